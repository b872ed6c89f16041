// Everything about one layer, in a panel beside the report: #layer=NAME opens it.
const panel = document.getElementById('layer');
let opener = null;

function closeLayer() {
  if (panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove('panelled');
  if (location.hash.startsWith('#layer=')) history.replaceState(null, '', location.pathname + location.search);
  if (opener && opener.isConnected) opener.focus();
  opener = null;
}

function part(title, id, rows, more) {
  const data = table(id);
  if (!data || !rows.length) return null;
  const block = { table: id, title, only: rows, hide: 'layer', ...more };
  return el('section', { 'data-part': id }, el('h3', {}, title, el('span', { class: 'count' }, ' ' + rows.length)), new TableView(block, data).node);
}

function openLayer(name) {
  const of = (id, column = 'layer') => (table(id) && table(id).has(column) ? table(id).where(column, name) : []);
  const layers = table('layers'), [row] = of('layers');
  const facts = layers && row !== undefined ? fields(layers, row, 'layer') : [];
  const nodes = of('lineage').map((row) => table('lineage').get(row, 'node'));
  // The builder's rewrites name the layers as they were before, which bear the nodes' names.
  const names = new Set([name, ...nodes]);
  const fusions = table('fusions');
  const rewrites = fusions ? fusions.places().filter((row) => fusions.get(row, 'action') !== 'attempt' &&
    (names.has(fusions.get(row, 'layer')) || names.has(fusions.get(row, 'other')))) : [];
  const candidates = of('candidates');
  const reasons = of('precision').map((row) => table('precision').get(row, 'text')).filter(Boolean);
  const chart = candidates.length > 1 ? candidateChart(candidates) : null;
  const network = state.views.network;
  const parts = [
    network && network.has(name) ? el('p', {}, el('button', { type: 'button', 'data-act': 'in-graph', onclick: () => { opener = null; closeLayer(); network.show(name); } }, 'Show in the graph')) : null,
    facts.length ? el('dl', { class: 'record' }, facts) : null,
    reasons.map((text) => el('p', { class: 'callout' }, text)),
    chart,
    part('Best in each precision', 'precision', of('precision'), {}),
    part('Close calls', 'close_calls', of('close_calls'), {}),
    part('Winner and runner-up, by formats', 'margins', of('margins'), {}),
    part('Candidates', 'candidates', candidates, { sort: ['time_ms', 1] }),
    part('Tactics passed over', 'skips', of('skips'), {}),
    part('Conversions at its inputs and outputs', 'reformats', of('reformats'), {}),
    part('Inputs and outputs', 'engine_layers', of('engine_layers'), {}),
    part('ONNX nodes in it', 'lineage', of('lineage'), {}),
    part('Rewrites', 'fusions', rewrites, { hide: null }),
    part('Memory', 'layer_memory', of('layer_memory'), {}),
  ].flat().filter(Boolean);
  if (!parts.length) parts.push(el('p', { class: 'missing' }, 'This report holds no layer of that name.'));
  if (panel.hidden) opener = document.activeElement;
  panel.replaceChildren(el('div', { class: 'panelhead' }, el('h2', {}, name),
    el('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: closeLayer }, '✕')), ...parts);
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add('panelled');
  panel.focus();
}

function candidateChart(rows) {
  const data = table('candidates');
  const fastest = rows.slice().sort((a, b) => data.get(a, 'time_ms') - data.get(b, 'time_ms'));
  const drawn = fastest.slice(0, 12);
  const used = fastest.find((row) => data.get(row, 'in_engine') === true);
  if (used !== undefined && !drawn.includes(used)) drawn.push(used);
  const longest = data.get(drawn[drawn.length - 1], 'time_ms') || 1;
  const words = [...new Set(drawn.map((row) => data.get(row, 'precision')))];
  return el('section', { 'data-part': 'chart' }, el('h3', {}, 'Fastest candidates'), words.length > 1 ? legend(words) : null,
    el('div', { class: 'bars' }, drawn.map((row) => {
      const kernel = data.get(row, 'kernel') || data.get(row, 'runner') || data.get(row, 'tactic');
      const time = data.get(row, 'time_ms');
      const engine = data.get(row, 'in_engine') === true;
      const formats = [data.get(row, 'input_layout'), data.get(row, 'output_layout')].filter(Boolean).join(' → ');
      const node = bar([engine ? el('b', {}, '▶ in the engine: ') : null, `${formats} ${kernel}`], time / longest, number(time) + ' ms', color(data.get(row, 'precision')),
        `rank ${data.get(row, 'rank')}: ${kernel}, ${formats}, ${number(time)} ms, line ${data.get(row, 'line')}`);
      if (engine) node.classList.add('chosen');
      return node;
    })));
}
