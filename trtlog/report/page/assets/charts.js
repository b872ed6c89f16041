// Small charts of what the tables hold; every mark says its name and number on hover and focus.
function bar(label, share, text, tint, note) {
  const fillNode = el('span', { class: 'fill' });
  fillNode.style.width = Math.max(share * 100, 0.2) + '%';
  if (tint) fillNode.style.background = tint;
  return el('div', { class: 'bar', title: note }, el('span', { class: 'label' }, label),
    el('span', { class: 'track' }, fillNode), el('span', { class: 'value' }, text));
}

function barsBlock(block) {
  const data = table(block.table), [figure] = block.values;
  const column = data.column(figure);
  let rows = data.places().filter((row) => data.get(row, figure) !== null);
  if (!block.ordered) rows.sort((a, b) => data.get(b, figure) - data.get(a, figure));
  const all = rows.length;
  if (block.most) rows = rows.slice(0, block.most);
  const most = Math.max(...rows.map((row) => Math.abs(data.get(row, figure))), 0) || 1;
  const tints = new Set();
  const bars = rows.map((row) => {
    const label = data.get(row, block.label);
    const value = data.get(row, figure);
    const kind = block.color ? data.get(row, block.color) : null;
    if (block.color) tints.add(kind);
    const full = withUnit(number(value, column.digits), column.unit);
    const text = withUnit((column.signed && value > 0 ? '+' : '') + brief(value), column.unit);
    return bar(block.label === 'layer' ? layerLink(label) : label, Math.abs(value) / most, text, block.color ? color(kind) : null, `${label}: ${full}`);
  });
  const more = all > rows.length ? `the ${rows.length} slowest of ${all}` : null;
  return [el('h3', {}, block.title, more ? el('span', { class: 'count' }, ' ' + more) : null),
    block.note ? el('p', { class: 'note' }, block.note) : null,
    tints.size > 1 || (page().layers && block.label === 'layer') ? legend([...tints]) : null,
    el('div', { class: 'bars', 'data-chart': block.table }, bars)];
}
function legend(words) {
  const named = (word) => (word === null ? 'not known' : word);
  const entry = (tint, text) => {
    const swatch = el('i');
    swatch.style.background = tint;
    return el('span', {}, swatch, text);
  };
  // Words without a colour of their own share one.
  const grey = color(null), rest = words.filter((word) => color(word) === grey).map(named);
  return el('p', { class: 'legend' }, words.filter((word) => color(word) !== grey).map((word) => entry(color(word), named(word))),
    rest.length ? entry(grey, rest.join(', ')) : null);
}

function waterfallBlock(block) {
  const data = table(block.table), [figure, delta] = block.values;
  const most = Math.max(1, ...data.places().map((row) => data.get(row, figure)));
  const bars = data.places().map((row) => {
    const value = data.get(row, figure), change = data.get(row, delta) || 0, label = data.get(row, block.label);
    const node = bar(label, value / most, '', null, `${label}: ${value} layers`);
    if (change) {
      const moved = el('span', { class: 'delta ' + (change < 0 ? 'less' : 'more') });
      moved.style.left = (Math.min(value, value - change) / most) * 100 + '%';
      moved.style.width = (Math.abs(change) / most) * 100 + '%';
      node.children[1].append(moved);
    }
    node.children[2].append(String(value), el('span', { class: 'change ' + (change < 0 ? 'less' : 'more') },
      change ? (change > 0 ? '+' + change : '−' + -change) : ''));
    return node;
  });
  return [el('h3', {}, block.title), el('div', { class: 'bars waterfall', 'data-chart': block.table }, bars)];
}

// Squarified treemap (Bruls, Huizing, van Wijk): rectangles as square as the areas allow.
function squarify(values, x, y, width, height) {
  const boxes = [];
  let rest = values.reduce((sum, value) => sum + value, 0), i = 0;
  while (i < values.length && rest > 0) {
    const side = Math.min(width, height), scale = (width * height) / rest;
    const worst = (row, sum) => Math.max(...row.map((value) => Math.max((side * side * value * scale) / ((sum * scale) ** 2), ((sum * scale) ** 2) / (side * side * value * scale))));
    let row = [values[i]], sum = values[i];
    while (i + row.length < values.length) {
      const next = values[i + row.length];
      if (worst([...row, next], sum + next) > worst(row, sum)) break;
      row.push(next);
      sum += next;
    }
    const thick = (sum * scale) / side;
    let along = 0;
    for (const value of row) {
      const length = (value / sum) * side;
      boxes.push(width >= height ? [x, y + along, thick, length] : [x + along, y, length, thick]);
      along += length;
    }
    if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    rest -= sum;
    i += row.length;
  }
  return boxes;
}
function treemapBlock(block) {
  const data = table(block.table), [area] = block.values, { unit } = data.column(area);
  const rows = data.places().filter((row) => data.get(row, area) > 0);
  rows.sort((a, b) => data.get(b, area) - data.get(a, area));
  const boxes = squarify(rows.map((row) => data.get(row, area)), 0, 0, 1000, 240);
  const nodes = rows.map((row, i) => {
    const [x, y, width, height] = boxes[i];
    const word = data.get(row, block.label);
    const value = withUnit(brief(data.get(row, area)), unit);
    const share = data.get(row, 'percent');
    const text = `${word === null ? 'not known' : word}: ${value}, ${number(share, 1)} %, ${data.get(row, 'layers')} layers`;
    const room = width > 90 && height > 34;
    const box = svg('rect', { x: x + 1, y: y + 1, width: Math.max(width - 2, 0.5), height: Math.max(height - 2, 0.5), rx: 3 });
    box.style.fill = color(word);
    const name = word === null ? 'not known' : word;
    const fits = Math.floor((width - 14) / 8);
    const choose = () => {
      const view = state.views[block.chooses];
      view.filterBy(word === null ? null : { column: block.label, value: word });
      view.node.scrollIntoView({ block: 'start' });
    };
    return svg('g', { tabindex: '0', role: 'button', 'aria-label': text, onclick: choose,
      onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(); } } },
    svg('title', {}, text), box,
    room ? svg('text', { x: x + 9, y: y + 20 }, name.length > fits ? name.slice(0, Math.max(fits - 1, 1)) + '…' : name) : null,
    room ? svg('text', { x: x + 9, y: y + 36, class: 'small' }, `${value.split(' ')[0]} ${unit}`, width > 150 ? `, ${number(share, 1)} %` : '') : null);
  });
  return [el('h3', {}, block.title), block.note ? el('p', { class: 'note' }, block.note + ' A click lists the layers of a type.') : null,
    legend(rows.map((row) => data.get(row, block.label))),
    svg('svg', { class: 'treemap', viewBox: '0 0 1000 240', 'data-chart': block.table, role: 'group', 'aria-label': block.title }, nodes)];
}

function ticks(low, high, count) {
  const step = 10 ** Math.floor(Math.log10((high - low) / count || 1));
  const size = [1, 2, 5, 10].map((factor) => factor * step).find((width) => (high - low) / width <= count) || step;
  const places = [];
  for (let value = Math.ceil(low / size) * size; value <= high + size / 1e6; value += size) places.push(Number(value.toPrecision(12)));
  return places;
}
function axes(low, high, unit, geometry) {
  const { left, top, width, height } = geometry;
  const y = (value) => top + height - ((value - low) / (high - low || 1)) * height;
  return [y, ticks(low, high, 5).map((value) => [
    svg('line', { class: 'grid', x1: left, x2: left + width, y1: y(value), y2: y(value) }),
    svg('text', { class: 'tick', x: left - 8, y: y(value) + 4, 'text-anchor': 'end' }, number(value)),
  ]), svg('text', { class: 'tick', x: left - 8, y: top - 8, 'text-anchor': 'end' }, unit)];
}
const GEOMETRY = { left: 64, top: 24, width: 920, height: 180 };
const path = (points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

function bandBlock(block) {
  const data = table(block.table), rows = data.places();
  const [first, middle, low, high] = [block.label, ...block.values].map((name) => rows.map((row) => data.get(row, name)));
  const end = first[rows.length - 1] + data.get(rows.length - 1, 'count');
  let bottom = Math.min(...low), top = Math.max(...high);
  const pad = (top - bottom || top || 1) * 0.06;
  bottom = Math.max(0, bottom - pad);
  top += pad;
  const [y, grid, unit] = axes(bottom, top, data.column(block.values[0]).unit, GEOMETRY);
  const x = (value) => GEOMETRY.left + (value / (end || 1)) * GEOMETRY.width;
  const left = (row) => x(first[row]);
  const area = path([...rows.map((row) => [left(row), y(high[row])]), ...rows.slice().reverse().map((row) => [left(row), y(low[row])])]) + 'Z';
  const hits = rows.map((row) => svg('rect', { class: 'hit', x: left(row), y: GEOMETRY.top, height: GEOMETRY.height,
    width: Math.max((row + 1 < rows.length ? left(row + 1) : x(end)) - left(row), 1) },
  svg('title', {}, `measurement ${first[row]} and ${data.get(row, 'count') - 1} after it: median ${number(middle[row])} ms, ${number(low[row])} to ${number(high[row])} ms`)));
  return [el('h3', {}, block.title), el('p', { class: 'note' }, block.note),
    svg('svg', { class: 'chart', viewBox: '0 0 1000 240', role: 'img', 'aria-label': block.title, 'data-chart': block.table },
      grid, unit, svg('path', { class: 'area', d: area }), svg('path', { class: 'line s0', d: path(rows.map((row) => [left(row), y(middle[row])])) }), hits,
      ticks(0, end, 8).map((value) => svg('text', { class: 'tick', x: x(value), y: 224, 'text-anchor': 'middle' }, number(value))))];
}

function stepsBlock(block) {
  const data = table(block.table), rows = data.places();
  const series = block.values.filter((name) => rows.some((row) => data.get(row, name) !== null));
  const values = series.flatMap((name) => rows.map((row) => data.get(row, name))).filter((value) => value !== null);
  if (!values.length) return [];
  const [y, grid, unit] = axes(0, Math.max(...values) * 1.08 || 1, data.column(series[0]).unit, GEOMETRY);
  const wide = GEOMETRY.width / Math.max(rows.length, 1);
  const x = (row) => GEOMETRY.left + row * wide;
  const lines = series.map((name, n) => {
    const points = rows.filter((row) => data.get(row, name) !== null)
      .flatMap((row) => [[x(row), y(data.get(row, name))], [x(row + 1), y(data.get(row, name))]]);
    return svg('path', { class: 'line s' + n, d: path(points) });
  });
  const hits = rows.map((row) => svg('rect', { class: 'hit', x: x(row), y: GEOMETRY.top, width: wide, height: GEOMETRY.height },
    svg('title', {}, `line ${data.get(row, 'line')}, ${data.get(row, block.label)}: ` +
      series.map((name) => `${data.column(name).label} ${shown(data.get(row, name), data.column(name))} MiB`).join(', '))));
  const every = Math.ceil(rows.length / 6);
  return [el('h3', {}, block.title),
    el('p', { class: 'legend' }, series.map((name, n) => el('span', {}, el('i', { class: 's' + n }), data.column(name).label.replace('gpu', 'GPU').replace('cpu', 'CPU')))),
    svg('svg', { class: 'chart', viewBox: '0 0 1000 240', role: 'img', 'aria-label': block.title, 'data-chart': block.table },
      grid, unit, lines, hits,
      rows.filter((row) => row % every === 0).map((row) => svg('text', { class: 'tick', x: x(row) + 2, y: 224 },
        String(data.get(row, block.label)).slice(0, Math.floor((wide * every) / 6.5)))))];
}
