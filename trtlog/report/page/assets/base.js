// What all parts share: the data, elements made from text, numbers as people read them.
const DATA = JSON.parse(document.getElementById('data').textContent);
const state = { run: 0, views: {} };
const page = () => DATA.runs[state.run];

// Children that are strings become text nodes: nothing of a log is ever read as HTML.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// A table of the page: numbers are stored as they are, texts as places in a list of distinct ones.
class Table {
  constructor(json) {
    this.columns = json.columns;
    this.rows = json.rows;
    this.total = json.total;
    this.data = json.data;
    this.place = new Map(json.columns.map((column, i) => [column.name, i]));
  }
  has(name) { return this.place.has(name); }
  column(name) { return this.columns[this.place.get(name)]; }
  at(row, place) {
    const values = this.data[place];
    if (Array.isArray(values)) return values[row];
    const word = values.index[row];
    return word < 0 ? null : values.words[word];
  }
  places() { return Array.from({ length: this.rows }, (_, row) => row); }
  get(row, name) { return this.place.has(name) ? this.at(row, this.place.get(name)) : null; }
  where(name, wanted) {
    const texts = this.data[this.place.get(name)];
    if (!texts || Array.isArray(texts)) return [];
    const word = texts.words.indexOf(wanted);
    return word < 0 ? [] : this.places().filter((row) => texts.index[row] === word);
  }
}
const cached = new Map();
function table(name) {
  const key = state.run + ' ' + name;
  if (!cached.has(key) && page().tables[name]) cached.set(key, new Table(page().tables[name]));
  return cached.get(key);
}

// trtexec prints six significant digits, and two decimals of large times.
function number(value, digits) {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value)) return String(value);
  if (digits !== null && digits !== undefined && Math.abs(value) >= 0.1) return value.toFixed(digits);
  if (digits !== null && digits !== undefined) return String(Number(value.toPrecision(2)));
  if (Math.abs(value) >= 1e5) return String(Number(value.toFixed(2)));
  const text = String(Number(value.toPrecision(6)));
  return text.includes('e') ? String(Number(value.toPrecision(4))) : text;
}
// A figure to look at, in a tile or beside a bar: four digits; what is printed stands in the tables and under the mouse.
function brief(value) {
  if (typeof value !== 'number' || Number.isInteger(value)) return number(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}
function shown(value, column) {
  if (value === null || value === undefined) return '';
  if (column && column.type === 'bool') return value ? 'yes' : 'no';
  if (column && column.scaled) return scaled(value);
  if (column && column.type === 'number') return (column.signed && value > 0 ? '+' : '') + number(value, column.digits);
  return String(value);
}
const PREFIXES = [[1e12, ' T'], [1e9, ' G'], [1e6, ' M'], [1e3, ' k']];
function scaled(value) {
  const [size, prefix] = PREFIXES.find(([least]) => Math.abs(value) >= least) || [1, ''];
  return Number((value / size).toPrecision(3)) + prefix;
}
// A text of trtlog's own; a flag in it is not broken at the end of a line, and can be copied.
const prose = (text) => text.split(/(--[A-Za-z][^\s,;)'"]*[^\s,;).'"])/).map((part) => (part.startsWith('--') ? el('code', {}, part) : part));
const SPELLED = { gpu: 'GPU', h2d: 'H2D', d2h: 'D2H' };
const spelled = (name) => name.split('_').map((word) => SPELLED[word] || word).join(' ');
const withUnit = (value, unit) => (value === '' ? '' : unit === '%' ? value + ' %' : unit ? value + ' ' + unit : value);

// Which layers can be opened: those that a table of layers or candidates names.
function knownLayers() {
  const key = 'known ' + state.run;
  if (!cached.has(key)) {
    const names = new Set();
    for (const id of ['layers', 'candidates', 'engine_layers']) {
      const layers = table(id);
      if (layers && layers.has('layer')) layers.data[layers.place.get('layer')].words.forEach((word) => names.add(word));
    }
    cached.set(key, names);
  }
  return cached.get(key);
}
function layerHash(name) {
  const run = DATA.runs.length > 1 ? '&run=' + state.run : '';
  return '#layer=' + encodeURIComponent(name) + run;
}
// In a diff a layer's name leads to its row among the layers, elsewhere to all that is known of it.
function layerLink(name) {
  if (page().layers) return findLink(name);
  return knownLayers().has(name) ? el('a', { href: layerHash(name) }, name) : name;
}

// Colors of types and precisions: the same word has the same color wherever it stands.
const colorPlaces = new Map();
const JUDGED = { faster: 'var(--good)', slower: 'var(--bad)', 'less time': 'var(--good)', 'more time': 'var(--bad)', same: 'var(--c-none)', 'not judged': 'var(--c-none)', baseline: 'var(--c0)', best: 'var(--c0)' };
function color(word) {
  if (word === null || word === undefined) return 'var(--c-none)';
  if (JUDGED[word]) return JUDGED[word];
  if (!colorPlaces.has(word)) colorPlaces.set(word, colorPlaces.size);
  const place = colorPlaces.get(word);
  return place < 9 ? `var(--c${place})` : 'var(--c-none)';
}
