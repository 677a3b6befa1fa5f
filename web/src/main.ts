// The page: wires the stream to the store, and the store to what is seen.

import 'uplot/dist/uPlot.min.css';
import './style.css';

import { Band } from './band';
import { Charts, LEFT, RIGHT } from './charts';
import { Circuits } from './circuits';
import { controlled, controls } from './controls';
import { clock, stateWord } from './format';
import { Journal, allCard, circuitCard, endpoints, figures } from './panels';
import type { CircuitStatus } from './protocol';
import { ALL, Store } from './store';
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
let circuit = 'default'; // or ALL
let chosen = ''; // by hand
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
const circuits = new Circuits(store, choose, () => {
  circuits.update(circuit);
  drawBand();
});

function view(): { from: number; to: number; circuit: string } {
  const to = paused ? heldAt : Math.max(store.times.at(-1) ?? 0, live ? 0 : proxyNow()) || proxyNow();
  return { from: to - range, to, circuit };
}

// The values at the reading line, or the newest ones.
function read(): void {
  let row = cursor === undefined ? store.times.length - 1 : store.at(cursor);
  // The numbers of a circuit that is asked for come after those of the stream.
  const own = store.columns.get(`${circuit}.success`);
  if (cursor === undefined && own && (own[row] ?? null) === null) row--;
  for (const chart of charts.all) chart.read(store, row, circuit);
  drawBand();
}

function drawBand(): void {
  const v = view();
  bandFigure.hidden = circuit === ALL;
  if (circuit !== ALL) band.draw(store.segments(circuit, v.from, v.to), v.from, v.to, LEFT, RIGHT, cursor);
  circuits.draw(v.from, v.to, cursor);
}

function draw(): void {
  const v = view();
  const segments = circuit === ALL ? [] : store.segments(circuit, v.from, v.to);
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
    circuits.update(circuit);
    if (!paused) draw();
    journal.show(store, circuit);
    endpoints(must('endpoints'), must('window-note'), circuits.shown, store);
    figures(must('figures'), store, circuit);
  });
}

function showStatus(): void {
  if (circuit === ALL) {
    allCard(store);
    return;
  }
  const status = store.detail(circuit);
  if (status) circuitCard(status, store);
}

function choose(name: string): void {
  circuit = name;
  chosen = name;
  controlled(circuit !== ALL);
  showStatus();
  circuits.update(circuit);
  void lookCloser();
  journal.show(store, circuit);
  draw();
  figures(must('figures'), store, circuit);
}

// Where there are many circuits the stream has a line for each; the one that is looked at is asked for.
async function lookCloser(): Promise<void> {
  const name = circuit;
  if (name === ALL || store.status?.circuits.some((c) => c.name === name)) return;
  try {
    const answer = await fetch(`/circuit-status?circuit=${encodeURIComponent(name)}`);
    if (!answer.ok) return;
    const [status] = ((await answer.json()) as { circuits: CircuitStatus[] }).circuits;
    if (!status || name !== circuit) return;
    store.setDetail(status, performance.now() / 1000);
    showStatus();
  } catch {
    // the stream tells that the proxy is gone
  }
}

connect({
  seen: () => store.seen(),
  hello(hello) {
    store.greet(hello);
    clockSkew = hello.now - Date.now() / 1000;
    const many = hello.circuits.length > 1;
    if (!many) circuit = hello.circuits[0] ?? 'default';
    else if (!hello.circuits.includes(chosen)) circuit = ALL;
    const to = many ? `${hello.circuits.length} routes` : hello.upstream;
    must('route').textContent = `${hello.listen} → ${to}`;
    document.title = `Quoll: ${to}`;
    controls(hello, () => circuit);
    controlled(circuit !== ALL);
  },
  journal(list) {
    for (const transition of list) store.changed(transition);
    soon();
  },
  rows(rows) {
    store.add(rows);
    soon();
  },
  transition(transition) {
    if (!store.changed(transition)) return;
    if (transition.circuit === circuit || circuit === ALL) {
      const which = circuit === ALL ? `${transition.circuit}: ` : '';
      must('announce').textContent = `${which}${stateWord(transition.to)}: ${transition.text}`;
    }
    const status = store.detail(circuit);
    if (transition.circuit === circuit && status) {
      circuitCard({ ...status, state: transition.to, state_seconds: 0, explanation: transition.text }, store);
    }
    soon();
  },
  status(status) {
    store.told(status);
    showStatus();
    void lookCloser();
    soon();
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
  const state = circuit === ALL ? undefined : (store.segments(circuit, t - 0.001, t + 0.001).at(-1)?.state ?? 'unknown');
  const values = charts.all.map((chart) => chart.read(store, row, circuit)).join('; ');
  return `${clock(t)}: ${state ? `${stateWord(state)}; ` : ''}${values}`;
}

new ResizeObserver(() => {
  for (const chart of charts.all) chart.resize();
  drawBand();
}).observe(stack);
