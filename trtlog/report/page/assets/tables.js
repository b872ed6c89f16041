// Tables that sort, search and turn pages: at most a page of rows is in the document.
const SIZES = [15, 25, 50, 100, 500];
const BIG = 12;
// Pixels that a name keeps in a table that is wider than its place.
const NARROW_NAME = 220;
const VERDICTS = new Set(['faster', 'slower', 'better', 'worse', 'added', 'removed', 'changed']);
// A click on a cell's row shows its long texts whole; links and selections of text keep their meaning.
function unfold(event) {
  const row = event.target.closest('tr');
  if (row && !event.target.closest('a') && String(getSelection()) === '') row.classList.toggle('open');
}

class TableView {
  constructor(block, data) {
    this.block = block;
    this.table = data;
    this.sort = block.sort && data.has(block.sort[0]) ? { name: block.sort[0], way: block.sort[1] } : null;
    this.query = '';
    this.filter = null;
    this.page = 0;
    this.size = block.size || 15;
    // Rows of what the engine uses stand out among others; where all are, none does.
    const used = data.places().map((row) => data.get(row, 'in_engine'));
    this.marks = used.includes(true) && used.includes(false);
    this.body = el('tbody', { onclick: unfold });
    this.status = el('span', { class: 'status', role: 'status' });
    this.node = this.frame();
    this.order();
  }

  frame() {
    const { table: data, block } = this;
    this.places = data.columns.map((_, i) => i).filter((i) => data.columns[i].name !== block.hide);
    this.heads = this.places.map((i) => data.columns[i]).map((column) =>
      el('th', { scope: 'col', class: column.type === 'number' ? 'number' : null },
        el('button', { type: 'button', title: column.doc, onclick: () => this.sortBy(column) },
          column.label, column.unit ? el('span', { class: 'unit' }, ' ' + column.unit) : null,
          el('span', { class: 'arrow', 'aria-hidden': 'true' }))));
    const long = (block.only ? block.only.length : data.rows) > BIG;
    const search = el('input', {
      type: 'search', placeholder: 'search', 'aria-label': 'Search ' + block.title,
      oninput: (event) => this.search(event.target.value),
    });
    this.searchBox = search;
    this.chip = el('button', { type: 'button', class: 'chip', hidden: true, onclick: () => this.filterBy(null) });
    this.pager = [
      el('button', { type: 'button', 'aria-label': 'Previous page', onclick: () => this.turn(-1) }, '‹'),
      el('button', { type: 'button', 'aria-label': 'Next page', onclick: () => this.turn(1) }, '›'),
    ];
    const sizes = el('select', { 'aria-label': 'Rows a page', onchange: (event) => {
      this.size = Number(event.target.value); this.page = 0; this.draw();
    } }, SIZES.map((size) => el('option', { value: size, selected: size === this.size }, size + ' rows')));
    const bar = el('div', { class: 'tools', hidden: !long }, search, this.chip, el('span', { class: 'spring' }),
      this.status, this.pager, sizes);
    this.bar = bar;
    const cut = data.total > data.rows
      ? el('p', { class: 'note' }, `${data.rows} of ${data.total} rows are in this file. All: trtlog show, or the library.`)
      : null;
    this.scroll = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': block.title },
      el('table', {}, el('thead', {}, el('tr', {}, this.heads)), this.body));
    new ResizeObserver(() => this.fit()).observe(this.scroll);
    return el('div', { class: 'table' + (block.dense ? ' dense' : ''), 'data-table': block.table }, bar, this.scroll, cut,
      this.marks ? el('p', { class: 'legend' }, el('span', {}, el('i', { class: 'used' }), 'what the engine uses')) : null);
  }

  sortBy(column) {
    if (this.sort && this.sort.name === column.name) {
      this.sort = { name: column.name, way: -this.sort.way };
    } else this.sort = { name: column.name, way: column.type === 'number' && column.name !== 'line' ? -1 : 1 };
    this.page = 0;
    this.order();
  }
  search(text) { this.query = text.toLowerCase(); this.page = 0; this.order(); }
  filterBy(filter) {
    this.filter = filter;
    this.page = 0;
    this.chip.hidden = !filter;
    if (filter) {
      this.bar.hidden = false;
      this.chip.textContent = `${filter.column}: ${filter.value} ✕`;
    }
    this.order();
  }
  turn(by) {
    const last = Math.max(0, Math.ceil(this.rows.length / this.size) - 1);
    this.page = Math.min(last, Math.max(0, this.page + by));
    this.draw();
  }

  // Each distinct text is looked at once, however many rows hold it.
  matcher() {
    const query = this.query;
    const tests = this.table.columns.map((column, place) => {
      const values = this.table.data[place];
      if (Array.isArray(values)) return (row) => shown(values[row], column).includes(query);
      const fits = values.words.map((word) => shown(word, column).toLowerCase().includes(query));
      return (row) => values.index[row] >= 0 && fits[values.index[row]];
    });
    return (row) => tests.some((test) => test(row));
  }

  order() {
    const data = this.table;
    let rows = this.block.only ? this.block.only.slice() : data.places();
    if (this.filter) rows = rows.filter((row) => data.get(row, this.filter.column) === this.filter.value);
    if (this.query) rows = rows.filter(this.matcher());
    if (this.sort) {
      const place = data.place.get(this.sort.name);
      const way = this.sort.way;
      const key = rows.map((row) => data.at(row, place));
      const places = rows.map((_, i) => i);
      places.sort((i, j) => {
        const a = key[i], b = key[j];
        if (a === null || b === null) return a === b ? i - j : a === null ? 1 : -1;
        if (a < b) return -way;
        if (a > b) return way;
        return i - j;
      });
      rows = places.map((i) => rows[i]);
    }
    this.rows = rows;
    this.heads.forEach((head, i) => {
      const own = this.sort && data.columns[this.places[i]].name === this.sort.name;
      if (own) head.setAttribute('aria-sort', this.sort.way > 0 ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    });
    this.draw();
  }

  cell(row, column, place) {
    const value = this.table.at(row, place);
    if (value === null || value === undefined) return el('td', { class: 'null' });
    const text = shown(value, column);
    if (column.name === 'layer' || column.name === this.block.links || (page().layers && column.label === 'layer' && page().layers !== this.block.table)) return el('td', { class: 'name', title: value }, layerLink(value));
    if (column.type === 'number') {
      return el('td', { class: 'number', title: text !== String(value) ? value : null }, text);
    }
    if (column.type === 'bool') return el('td', { class: value ? 'yes' : 'no' }, text);
    if (VERDICTS.has(text)) return el('td', { class: 'verdict ' + text }, text);
    if (column.name === 'severity') return el('td', {}, el('span', { class: 'badge ' + text }, text));
    return el('td', { class: text.length > 24 ? 'long' : null, title: text.length > 24 ? text : null }, text);
  }

  draw() {
    const first = this.page * this.size;
    const rows = this.rows.slice(first, first + this.size);
    this.body.replaceChildren(...rows.map((row) =>
      el('tr', { class: this.marks && this.table.get(row, 'in_engine') === true ? 'chosen' : null },
        this.places.map((place) => this.cell(row, this.table.columns[place], place)))));
    if (!rows.length) this.body.append(el('tr', {}, el('td', { colspan: this.places.length, class: 'none' }, 'no row fits')));
    const all = this.block.only ? this.block.only.length : this.table.rows;
    const range = rows.length ? `${first + 1} to ${first + rows.length} of ${this.rows.length}` : '0';
    this.status.textContent = this.rows.length === all ? range : `${range} (of ${all})`;
    this.pager[0].disabled = this.page === 0;
    this.pager[1].disabled = first + this.size >= this.rows.length;
    this.fit();
  }

  // A table wider than its place first gives up room between its columns, then the ends of names; the rest scrolls.
  fit() {
    const { scroll } = this;
    scroll.classList.remove('tight');
    scroll.style.removeProperty('--name');
    const over = () => scroll.scrollWidth - scroll.clientWidth;
    if (!scroll.clientWidth || over() <= 0) return;
    scroll.classList.add('tight');
    const names = this.body.querySelectorAll('tr:first-child > .name, tr:first-child > .long');
    if (over() <= 0 || !names.length) return;
    const widest = Math.max(...Array.from(names, (name) => name.offsetWidth));
    scroll.style.setProperty('--name', Math.max(NARROW_NAME, widest - Math.ceil(over() / names.length)) + 'px');
  }
}

function findLink(name) {
  const place = page().layers;
  return el('a', { href: '#' + place, onclick: (event) => {
    event.preventDefault();
    const view = state.views[place];
    view.searchBox.value = name;
    view.bar.hidden = false;
    view.search(name);
    view.node.closest('section').scrollIntoView({ block: 'start' });
  } }, name);
}

function tableBlock(block) {
  const data = table(block.table);
  const note = block.note ? el('p', { class: 'note' }, block.note) : null;
  const make = () => {
    const view = new TableView(block, data);
    state.views[block.table] = view;
    return view.node;
  };
  if (!block.folded) return [block.bare ? null : el('h3', {}, block.title), note, make()];
  const inside = el('div');
  return el('details', { 'data-fold': block.table, ontoggle: () => {
    if (!inside.firstChild) inside.append(...[note, make()].filter(Boolean));
  } }, el('summary', {}, block.title, el('span', { class: 'count' }, ' ' + data.total)), inside);
}

// The values of a row with their names and meanings; not those that the log does not tell, nor one column's.
function fields(data, row, without) {
  return data.columns.flatMap((column, place) => {
    const value = data.at(row, place);
    return value === null || column.name === without ? [] : [el('div', { title: column.doc, 'data-column': column.name },
      el('dt', {}, column.label), el('dd', {}, withUnit(shown(value, column), column.unit)))];
  });
}
// A table of one row (or few) as names and values.
function recordBlock(block) {
  const data = table(block.table);
  return [el('h3', {}, block.title), data.places().map((row) =>
    el('dl', { class: 'record', 'data-table': block.table }, fields(data, row, 'line')))];
}

function matrixBlock(block) {
  const data = table(block.table);
  const rows = new Set(), columns = new Set(), cells = new Map(), units = new Map();
  for (const place of data.places()) {
    const [row, column, value, unit] = [0, 1, 2, 3].map((part) => data.at(place, part));
    rows.add(row);
    columns.add(column);
    cells.set(row + '\n' + column, number(value));
    units.set(row, unit);
  }
  return [el('h3', {}, block.title), el('div', { class: 'table', 'data-table': block.table },
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': block.title }, el('table', {},
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }), [...columns].map((name) => el('th', { scope: 'col', class: 'number' }, name)))),
      el('tbody', {}, [...rows].map((row) => el('tr', { 'data-row': row },
        el('th', { scope: 'row' }, spelled(row), el('span', { class: 'unit' }, ' ' + (units.get(row) || ''))),
        [...columns].map((column) => el('td', { class: 'number', 'data-column': column }, cells.get(row + '\n' + column))))))))) ];
}
