// The engine's graph: boxes in places that the page brings; zoom, search, colours; a click opens the layer.
const BOX = { x: 0, y: 1, width: 2, kind: 3, layer: 4, title: 5, line: 6, hint: 7, type: 8, precision: 9, bound: 10, time: 11 };
const END = new Set(['input', 'output']);
const heat = (share) => (share === null ? 'var(--c-none)' : `color-mix(in srgb, var(--c4) ${Math.round(share * 100)}%, var(--c0))`);

function networkBlock(block) {
  const get = (box, name) => box[BOX[name]];
  const nodes = block.boxes.map((box, place) => {
    const [x, y, width] = box;
    const opens = !END.has(get(box, 'kind')) && knownLayers().has(get(box, 'layer'));
    const open = () => { location.hash = layerHash(get(box, 'layer')); };
    return svg('g', { class: 'box ' + get(box, 'kind'), transform: `translate(${x} ${y})`, 'data-box': place,
      tabindex: opens ? '0' : null, role: opens ? 'button' : null, 'aria-label': opens ? get(box, 'hint').replaceAll('\n', ', ') : null,
      onclick: opens ? () => { if (!moved) open(); } : null,
      onkeydown: opens ? (event) => { if (event.key === 'Enter') open(); } : null },
    svg('title', {}, get(box, 'hint')), svg('rect', { class: 'card', width, height: 40, rx: END.has(get(box, 'kind')) ? 20 : 6 }),
    END.has(get(box, 'kind')) ? null : svg('rect', { class: 'tint', width: 7, height: 40, rx: 3 }),
    svg('text', { x: 13, y: 17 }, get(box, 'title')), svg('text', { x: 13, y: 31, class: 'small' }, get(box, 'line')));
  });
  const lines = block.lines.map(([path, text, change]) => svg('path', { d: path, class: change ? 'edge change' : 'edge',
    'marker-end': change ? 'url(#arrow-change)' : 'url(#arrow)' }, svg('title', {}, text)));
  const labels = block.lines.flatMap(([, , , words]) => words.map(([text, x, y, change]) =>
    svg('text', { x, y, class: change ? 'label change' : 'label' }, text)));
  const arrow = (id, kind) => svg('marker', { id, class: kind, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9, markerHeight: 9,
    orient: 'auto', markerUnits: 'userSpaceOnUse' }, svg('path', { d: 'M0 0 8 4 0 8z' }));
  const view = { x: 0, y: 0, zoom: 1 };
  const drawing = svg('svg', { class: 'network', 'data-chart': 'network', role: 'group', 'aria-label': block.title },
    svg('defs', {}, arrow('arrow', 'edge'), arrow('arrow-change', 'change')), lines, nodes, labels);
  let moved = false, grip = null;
  const room = () => [drawing.clientWidth || 900, drawing.clientHeight || 560];
  const show = () => {
    const [width, height] = room();
    view.zoom = Math.min(Math.max(view.zoom, 0.02), 4);
    drawing.setAttribute('viewBox', `${view.x} ${view.y} ${width / view.zoom} ${height / view.zoom}`);
    drawing.classList.toggle('far', view.zoom < 0.45);
  };
  const zoomBy = (factor, px, py) => {
    const [width, height] = room();
    const [cx, cy] = [px === undefined ? width / 2 : px, py === undefined ? height / 2 : py];
    const before = view.zoom;
    view.zoom = Math.min(Math.max(before * factor, 0.02), 4);
    view.x += cx / before - cx / view.zoom;
    view.y += cy / before - cy / view.zoom;
    show();
  };
  const start = () => {
    const [width] = room();
    const top = Math.min(...block.boxes.map((box) => box[BOX.y]));
    const first = block.boxes.filter((box) => box[BOX.y] === top);
    const left = Math.min(...first.map((box) => box[BOX.x])), right = Math.max(...first.map((box) => box[BOX.x] + box[BOX.width]));
    view.zoom = 1;
    view.x = block.width <= width ? (block.width - width) / 2 : (left + right - width) / 2;
    view.y = top - 20;
    show();
  };
  const whole = () => {
    const [width, height] = room();
    view.zoom = Math.min(width / block.width, height / block.height, 1);
    view.x = (block.width - width / view.zoom) / 2;
    view.y = (block.height - height / view.zoom) / 2;
    show();
  };
  const center = (place) => {
    const [x, y, boxWidth] = block.boxes[place];
    const [width, height] = room();
    view.zoom = Math.max(view.zoom, 0.9);
    view.x = x + boxWidth / 2 - width / view.zoom / 2;
    view.y = y + 20 - height / view.zoom / 2;
    show();
    nodes.forEach((node, i) => node.classList.toggle('at', i === place));
  };
  drawing.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = drawing.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  drawing.addEventListener('pointerdown', (event) => { grip = { x: event.clientX, y: event.clientY, id: event.pointerId }; moved = false; });
  drawing.addEventListener('pointermove', (event) => {
    if (!grip) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!moved && Math.abs(dx) + Math.abs(dy) < 5) return;
    if (!moved) drawing.setPointerCapture(grip.id);
    moved = true;
    view.x -= dx / view.zoom;
    view.y -= dy / view.zoom;
    grip.x = event.clientX;
    grip.y = event.clientY;
    show();
  });
  ['pointerup', 'pointercancel'].forEach((name) => drawing.addEventListener(name, () => { grip = null; }));

  let matches = [], current = -1;
  const status = el('span', { class: 'status', 'aria-live': 'polite' });
  const search = el('input', { type: 'search', placeholder: 'Find a layer', 'aria-label': 'Find a layer in the graph',
    oninput: () => {
      const wanted = search.value.trim().toLowerCase();
      matches = wanted ? block.boxes.flatMap((box, i) => ((get(box, 'layer') + ' ' + get(box, 'line')).toLowerCase().includes(wanted) ? [i] : [])) : [];
      current = -1;
      nodes.forEach((node, i) => node.classList.toggle('found', matches.includes(i)));
      status.textContent = wanted ? `${matches.length} found${matches.length ? ', Enter goes through them' : ''}` : '';
    },
    onkeydown: (event) => {
      if (event.key !== 'Enter' || !matches.length) return;
      current = (current + 1) % matches.length;
      center(matches[current]);
      status.textContent = `${current + 1} of ${matches.length}`;
    } });
  const key = el('div', { class: 'legendroom' });
  const paint = (by) => {
    const words = new Map();
    block.boxes.forEach((box, i) => {
      if (END.has(get(box, 'kind'))) return;
      const value = get(box, by);
      const tint = by === 'time' ? heat(value) : color(value);
      if (by !== 'time') words.set(value, (words.get(value) || 0) + 1);
      nodes[i].style.setProperty('--tint', tint);
    });
    const known = [...words].filter(([word]) => word !== null).sort((a, b) => b[1] - a[1]).map(([word]) => word);
    key.replaceChildren(by === 'time' ? el('p', { class: 'note' }, 'From blue (short) to red (the longest layer); grey where no time is known.')
      : known.length ? legend(known) : el('p', { class: 'note' }, 'The log does not tell that.'));
  };
  const choice = el('select', { 'aria-label': 'What colours tell', onchange: () => paint(choice.value) },
    ['type', 'precision', 'time', 'bound'].map((word) => el('option', { value: word }, 'colour: ' + word)));
  const button = (text, label, act) => el('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);
  state.views.network = {
    has: (name) => block.boxes.some((box) => !END.has(get(box, 'kind')) && get(box, 'layer') === name),
    show: (name) => {
      drawing.scrollIntoView({ block: 'center' });
      center(block.boxes.findIndex((box) => get(box, 'layer') === name));
    },
  };
  paint('type');
  requestAnimationFrame(start);
  new ResizeObserver(show).observe(drawing);
  return [el('h3', {}, block.title), el('p', { class: 'note' }, block.note),
    el('div', { class: 'tools' }, search, choice, button('+', 'Larger', () => zoomBy(1.4)), button('−', 'Smaller', () => zoomBy(1 / 1.4)),
      button('start', 'Begin at the inputs', start), button('whole', 'The whole graph', whole), status), key, drawing];
}
