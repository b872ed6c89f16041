// The page: head, navigation, sections; what the address says.
const TAGS = { strong: 'b', code: 'code', aside: 'small', badge: 'span' };
const sentence = (words) => words.map((piece) => {
  if (typeof piece === 'string') return prose(piece);
  const [text, mark, tone] = piece;
  const classes = [mark, tone && 'tone-' + tone].filter(Boolean).join(' ');
  return el(TAGS[mark] || 'span', { class: classes }, mark === 'code' ? layerLink(text) : text);
});
const listOf = (items, inside) => el('ul', {}, items.map((item) => el('li', {}, inside(item))));
const BLOCKS = {
  table: tableBlock, record: recordBlock, matrix: matrixBlock, bars: barsBlock, waterfall: waterfallBlock,
  treemap: treemapBlock, network: networkBlock, band: bandBlock, steps: stepsBlock,
  note: (block) => el('p', { class: 'missing' }, prose(block.text)),
  facts: (block) => el('dl', { class: 'facts' }, block.facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, sentence(value))))),
  sentence: (block) => el('p', { class: block.tone }, sentence(block.words)),
  list: (block) => listOf(block.points, (point) => [sentence(point.words), point.under.length ? listOf(point.under, sentence) : null]),
  findings: (block) => findings(block),
};

const MARKS = { error: '✕', warning: '!', advice: '→', good: '✓' };
function findings(block) {
  const counts = new Map();
  block.findings.forEach((f) => counts.set(f.severity, (counts.get(f.severity) || 0) + 1));
  const evidence = (finding) => {
    const parts = [el('span', { title: 'the rule that found it' }, finding.rule), el('span', {}, finding.confidence + ' confidence')];
    if (finding.lines.length) {
      parts.push(el('span', {}, (finding.lines.length > 1 ? 'lines ' : 'line ') + finding.lines.join(', ') +
        (finding.more_lines ? ` and ${finding.more_lines} more` : '')));
    }
    return el('p', { class: 'evidence' }, parts);
  };
  const card = (finding) => el('article', { class: 'finding ' + finding.severity, 'data-rule': finding.rule },
    el('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[finding.severity]),
    el('div', {},
      el('p', { class: 'says' }, el('span', { class: 'hear' }, finding.severity + ': '), finding.text),
      finding.why ? el('p', { class: 'why' }, prose(finding.why)) : null,
      finding.action ? el('p', {}, el('b', {}, 'What to do: '), prose(finding.action)) : null,
      finding.layers.length ? el('p', { class: 'layers' }, finding.layers.map((name) => el('span', {}, layerLink(name))),
        finding.more_layers ? el('span', {}, `and ${finding.more_layers} more`) : null) : null,
      evidence(finding)));
  const good = block.findings.filter((f) => f.severity === 'good');
  const rest = block.findings.filter((f) => f.severity !== 'good');
  return [el('p', { class: 'note' }, [...counts].map(([word, count]) => count + ' ' + (count > 1 && (word === 'error' || word === 'warning') ? word + 's' : word)).join(' · ')),
    el('div', { class: 'findings' }, rest.map(card)),
    good.length ? el('details', { open: !rest.length }, el('summary', {}, 'What is fine', el('span', { class: 'count' }, ' ' + good.length)), good.map(card)) : null];
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
      section.blocks.map((block) => BLOCKS[block.kind](block)))));
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
