// The page: head, navigation, sections; what the address says.
const TAGS = { strong: 'b', code: 'code', aside: 'small', badge: 'span' };
const sentence = (words) => words.map((piece) => {
  if (typeof piece === 'string') return prose(piece);
  const [text, mark, tone] = piece;
  const classes = [mark, tone && 'tone-' + tone].filter(Boolean).join(' ');
  return el(TAGS[mark] || 'span', { class: classes }, mark === 'code' ? layerLink(text) : text);
});
const listOf = (items, inside) => el('ul', {}, items.map((item) => el('li', {}, inside(item))));
const drawn = (blocks) => blocks.map((block) => BLOCKS[block.kind](block));
const BLOCKS = {
  table: tableBlock, record: recordBlock, matrix: matrixBlock, bars: barsBlock, waterfall: waterfallBlock,
  treemap: treemapBlock, network: networkBlock, band: bandBlock, steps: stepsBlock,
  note: (block) => el('p', { class: 'missing' }, prose(block.text)),
  facts: (block) => el('dl', { class: 'facts' }, block.facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, sentence(value))))),
  sentence: (block) => el('p', { class: block.tone }, sentence(block.words)),
  list: (block) => listOf(block.points, (point) => [sentence(point.words), point.under.length ? listOf(point.under, sentence) : null]),
  finding: findingBlock,
  folded: (block) => el('details', { open: block.open }, el('summary', {}, sentence(block.title)), drawn(block.blocks)),
};

const MARKS = { error: '✕', warning: '!', advice: '→', good: '✓' };
function findingBlock(finding) {
  const more = (count) => (count ? ` and ${count} more` : '');
  const lines = finding.lines.length ? (finding.lines.length > 1 ? 'lines ' : 'line ') + finding.lines.join(', ') + more(finding.more_lines) : null;
  return el('article', { class: 'finding ' + finding.severity, 'data-rule': finding.rule },
    el('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[finding.severity]),
    el('div', {},
      el('p', { class: 'says' }, el('span', { class: 'hear' }, finding.severity + ': '), finding.text),
      finding.why ? el('p', { class: 'why' }, prose(finding.why)) : null,
      finding.action ? el('p', {}, el('b', {}, 'What to do: '), prose(finding.action)) : null,
      finding.layers.length ? el('p', { class: 'layers' }, finding.layers.map((name) => el('span', {}, layerLink(name))),
        finding.more_layers ? el('span', {}, more(finding.more_layers).trim()) : null) : null,
      el('p', { class: 'evidence' }, el('span', { title: 'the rule that found it' }, finding.rule), el('span', {}, finding.confidence + ' confidence'),
        lines ? el('span', {}, lines) : null)));
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
}

function drawHead() {
  const head = page().head;
  const runs = DATA.runs.length > 1
    ? el('label', { class: 'runs' }, 'Run ', el('select', { id: 'run', onchange: (event) => { location.hash = '#run=' + event.target.value; } },
      DATA.runs.map((run, i) => el('option', { value: i, selected: i === state.run }, `${i}: ${run.head.label || run.head.name}`))))
    : null;
  document.getElementById('head').replaceChildren(
    el('div', { class: 'titles' }, el('h1', {}, head.name), head.status ? el('span', { class: 'badge ' + head.status }, head.status) : null,
      el('span', { class: 'spring' }), runs, el('button', { type: 'button', id: 'theme', onclick: theme }, 'light / dark')),
    el('p', { class: 'facts' }, head.facts.map((fact) => el('span', {}, fact))),
    el('div', { class: 'tiles' }, head.tiles.map((tile) => el('div', { class: 'tile', 'data-tile': tile.label, title: withUnit(number(tile.value), tile.unit) },
      el('span', { class: 'what' }, tile.label), el('span', { class: 'figure' }, brief(tile.value), tile.unit ? el('small', {}, ' ' + tile.unit) : null)))));
}

function draw() {
  state.views = {};
  drawHead();
  const { sections } = page();
  document.getElementById('nav').replaceChildren(el('ol', {}, sections.map((section) =>
    el('li', {}, el('a', { href: '#' + section.id }, section.nav || section.title)))));
  document.getElementById('main').replaceChildren(...sections.map((section) =>
    el('section', { id: section.id, 'aria-labelledby': 'h-' + section.id }, el('h2', { id: 'h-' + section.id }, section.title),
      drawn(section.blocks))));
  spy();
}

function spy() {
  const links = new Map([...document.querySelectorAll('#nav a')].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link) => link.removeAttribute('aria-current'));
      const link = links.get(entry.target.id);
      if (link) link.setAttribute('aria-current', 'true');
    }
  }, { rootMargin: '0px 0px -75% 0px' });
  document.querySelectorAll('main > section').forEach((section) => seen.observe(section));
}

function follow() {
  const hash = location.hash.slice(1);
  const wanted = new URLSearchParams(hash.includes('=') ? hash.replaceAll('+', '%2B') : '');
  const run = Number(wanted.get('run'));
  if (wanted.has('run') && run !== state.run && DATA.runs[run]) {
    state.run = run;
    draw();
  }
  if (wanted.has('layer')) openLayer(wanted.get('layer'));
  else {
    closeLayer();
    const section = hash && !hash.includes('=') && document.getElementById(hash);
    if (section) section.scrollIntoView();
  }
}

draw();
follow();
addEventListener('hashchange', follow);
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeLayer();
  if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    const box = (panel.hidden ? document : panel).querySelector('.tools:not([hidden]) input[type=search]');
    const own = panel.hidden && state.views.layers ? state.views.layers.searchBox : box;
    if (own) { event.preventDefault(); own.focus(); }
  }
});
document.documentElement.dataset.ready = 'true';
