// The page: wires the stream to the store, and the store to what is seen.

import 'uplot/dist/uPlot.min.css';
import './style.css';

import { Band } from './band';
import { Charts, LEFT, RIGHT } from './charts';
import { controls } from './controls';
import { clock, stateWord } from './format';
import { Journal, circuitCard, endpoints, figures, pick } from './panels';
import { Store } from './store';
import { connect } from './stream';

const must = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
};

const store = new Store();
const stack = must('stack');
const readout = must('readout');

let range = 300; // seconds
let paused = false;
let heldAt = 0; // the right edge while paused
let circuit = 'default';
let cursor: number | undefined; // the reading line's time
let clockSkew = 0; // the proxy's clock minus ours, seconds
let live = false;

const proxyNow = (): number => Date.now() / 1000 + clockSkew;

const bandFigure = document.createElement('figure');
bandFigure.className = 'card';
bandFigure.id = 'chart-band';
bandFigure.innerHTML =
  '<figcaption><h3>State <span class="unit">of the circuit, on the time axis of everything below</span></h3></figcaption>' +
  '<div class="plot band"></div>';
stack.append(bandFigure);
const band = new Band(bandFigure.querySelector('.band') as HTMLElement);

const charts = new Charts(stack, (t) => {
  if (t !== cursor) {
    cursor = t;
    read();
  }
});
const journal = new Journal(must('journal'));

function view(): { from: number; to: number; circuit: string } {
  const to = paused ? heldAt : Math.max(store.times.at(-1) ?? 0, live ? 0 : proxyNow()) || proxyNow();
  return { from: to - range, to, circuit };
}

// The values at the reading line, or the newest ones.
function read(): void {
  const row = cursor === undefined ? store.times.length - 1 : store.at(cursor);
  for (const chart of charts.all) chart.read(store, row, circuit);
  drawBand();
}

function drawBand(): void {
  const v = view();
  band.draw(store.segments(circuit, v.from, v.to), v.from, v.to, LEFT, RIGHT, cursor);
}

function draw(): void {
  const v = view();
  const segments = store.segments(circuit, v.from, v.to);
  for (const chart of charts.all) chart.update(store, v, segments);
  if (cursor !== undefined && (cursor < v.from || cursor > v.to)) cursor = undefined;
  read();
}

let due = false;
function soon(): void {
  if (due || document.hidden) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (!paused) draw();
    figures(must('figures'), store, circuit);
  });
}

function showStatus(): void {
  const status = store.status?.circuits.find((c) => c.name === circuit);
  if (!status) return;
  circuitCard(status, store);
  endpoints(must('endpoints'), must('window-note'), store.status?.circuits ?? []);
}

connect({
  seen: () => store.seen(),
  hello(hello) {
    store.greet(hello);
    clockSkew = hello.now - Date.now() / 1000;
    if (!hello.circuits.includes(circuit)) circuit = hello.circuits[0] ?? 'default';
    must('route').textContent = `${hello.listen} → ${hello.upstream}`;
    document.title = `Quoll: ${hello.upstream}`;
    pick(must<HTMLSelectElement>('pick'), hello.circuits, circuit);
    controls(hello, () => circuit);
  },
  journal(list) {
    for (const transition of list) store.changed(transition);
    journal.show(store, circuit);
    soon();
  },
  rows(rows) {
    store.add(rows);
    soon();
  },
  transition(transition) {
    if (!store.changed(transition)) return;
    if (transition.circuit === circuit) {
      must('announce').textContent = `${stateWord(transition.to)}: ${transition.text}`;
      const status = store.status?.circuits.find((c) => c.name === circuit);
      if (status) circuitCard({ ...status, state: transition.to, state_seconds: 0, explanation: transition.text }, store);
    }
    journal.show(store, circuit);
    soon();
  },
  status(status) {
    store.status = status;
    showStatus();
  },
  link(state) {
    live = state === 'live';
    const link = must('link');
    link.dataset['link'] = state;
    const text = live ? 'live' : 'no connection, trying again';
    if (link.textContent !== text) link.textContent = text;
  },
});

// While nothing comes, time goes on: the gap is to be seen.
window.setInterval(() => {
  if (!live) soon();
}, 1000);
document.addEventListener('visibilitychange', soon);

for (const radio of document.querySelectorAll<HTMLInputElement>('#range input')) {
  radio.addEventListener('change', () => {
    range = Number(radio.value);
    draw();
  });
}

function hold(on: boolean): void {
  if (on) heldAt = view().to;
  paused = on;
  const button = must('pause');
  button.setAttribute('aria-pressed', String(on));
  button.textContent = on ? 'Paused' : 'Pause';
  draw();
}
must('pause').addEventListener('click', () => hold(!paused));

must<HTMLSelectElement>('pick').addEventListener('change', (event) => {
  circuit = (event.target as HTMLSelectElement).value;
  journal.show(store, circuit);
  showStatus();
  draw();
});

const themes = ['auto', 'light', 'dark'] as const;
let theme: (typeof themes)[number] = 'auto';
function setTheme(next: string | null): void {
  theme = themes.find((t) => t === next) ?? 'auto';
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  must('theme').textContent = `Theme: ${theme}`;
  charts.build();
  draw();
}
const remembered = (): string | null => {
  try {
    return localStorage.getItem('quoll-theme');
  } catch {
    return null; // storage is switched off
  }
};
must('theme').addEventListener('click', () => {
  setTheme(themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto');
  try {
    localStorage.setItem('quoll-theme', theme);
  } catch {
    // not remembered, then
  }
});
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => setTheme(theme));
setTheme(remembered());

// By keyboard: a reading line that is moved in seconds, and read out.
stack.addEventListener('keydown', (event) => {
  if (event.target !== stack) return;
  const v = view();
  const step = event.shiftKey ? 10 : 1;
  const at = cursor ?? v.to;
  let next: number | undefined;
  if (event.key === 'ArrowLeft') next = at - step;
  else if (event.key === 'ArrowRight') next = at + step;
  else if (event.key === 'Home') next = v.from;
  else if (event.key === 'End') next = v.to;
  else if (event.key === ' ') hold(!paused);
  else if (event.key !== 'Escape') return;
  event.preventDefault();
  if (event.key === ' ') return;
  if (next !== undefined) {
    if (!paused) hold(true); // a line to be read must not run away
    next = Math.min(Math.max(next, heldAt - range), heldAt);
  }
  charts.all[0]?.point(next);
  cursor = next;
  read();
  readout.textContent = next === undefined ? 'now' : words(next);
});

function words(t: number): string {
  const row = store.at(t);
  const state = store.segments(circuit, t - 0.001, t + 0.001).at(-1)?.state ?? 'unknown';
  const values = charts.all.map((chart) => chart.read(store, row, circuit)).join('; ');
  return `${clock(t)}: ${stateWord(state)}; ${values}`;
}

new ResizeObserver(() => {
  for (const chart of charts.all) chart.resize();
  drawBand();
}).observe(stack);
