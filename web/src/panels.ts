// What stands beside the charts: the circuit now, the key figures, the endpoints, the journal.

import { clock, count, ms, percent, span, stateWord } from './format';
import type { CircuitStatus, StateName, Transition } from './protocol';
import { ALL, type Line, type Store } from './store';

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function circuitCard(status: CircuitStatus, store: Store): void {
  byId('circuit').dataset['state'] = status.state;
  setText(byId('pill'), stateWord(status.state));
  const left = status.remaining_seconds > 0 ? `, next step in ${span(status.remaining_seconds)}` : '';
  const many = (store.hello?.circuits.length ?? 1) > 1 ? '' : `circuit “${status.name}” `;
  setText(byId('since'), `${many}for ${span(status.state_seconds)}${left}`);
  // Open, the window is empty: what made it open says more.
  const opened = store.transitions.get(status.name)?.findLast((t) => t.to === status.state);
  setText(byId('why'), status.state === 'open' && opened ? opened.text : status.explanation);
}

const WORST: StateName[] = ['open', 'forced_open', 'half_open', 'closed', 'disabled', 'metrics_only'];

// All circuits in one word: the worst, and how many are in which state.
export function allCard(store: Store): void {
  const states = store.status?.states ?? {};
  const worst = WORST.find((state) => (states[state] ?? 0) > 0) ?? 'closed';
  byId('circuit').dataset['state'] = worst;
  const parts = WORST.filter((state) => (states[state] ?? 0) > 0).map((state) => `${states[state]} ${stateWord(state).toLowerCase()}`);
  setText(byId('pill'), parts.length === 1 ? `All ${stateWord(worst).toLowerCase()}` : `${states[worst]} ${stateWord(worst).toLowerCase()}`);
  setText(byId('since'), `of ${store.hello?.circuits.length ?? 0} circuits`);
  const latest = store.transitions.get(ALL)?.at(-1);
  setText(byId('why'), `${parts.join(', ')}.${latest ? ` Last: ${latest.circuit} ${latest.text}` : ''}`);
}

interface Figure {
  name: string;
  value: string;
  hint: string;
}

export function figures(host: HTMLElement, store: Store, circuit: string): void {
  const row = store.times.length - 1;
  const of = (column: string): number | null => store.column(column)[row] ?? null;
  const totals = store.detail(circuit)?.totals;
  const requests = of('requests') ?? 0;
  const errors = of('errors') ?? 0;
  const list: Figure[] = [
    { name: 'Requests', value: `${count(of('requests'))}/s`, hint: `${count(of('connections'))} connections` },
    {
      name: 'Errors',
      value: requests > 0 ? percent((100 * errors) / requests) : '–',
      hint: 'fallbacks and 5xx',
    },
    { name: 'Response p95', value: ms(of('p95')), hint: `max ${ms(of('max'))}` },
    { name: 'Loop lag', value: ms(of('lag')), hint: 'longest in a second' },
    totals
      ? { name: 'Rescued', value: count(totals['rescued'] ?? 0), hint: 'in time, our timer late' }
      : { name: 'Rescued', value: `${count(of('rescued'))}/s`, hint: 'in time, our timer late' },
    totals
      ? { name: 'Rejected', value: count(totals['reject'] ?? 0), hint: `opened ${count(totals['open'] ?? 0)}×` }
      : { name: 'Rejected', value: `${count(of(`${circuit}.reject`))}/s`, hint: 'by open circuits' },
  ];
  if (host.children.length !== list.length) {
    host.replaceChildren(
      ...list.map((f) => {
        const box = document.createElement('div');
        box.innerHTML = '<dt></dt><dd><span></span><span class="hint"></span></dd>';
        setText(box.firstElementChild as Element, f.name);
        return box;
      }),
    );
  }
  list.forEach((f, i) => {
    const spans = host.children[i]?.querySelectorAll('span');
    if (spans?.[0]) setText(spans[0], f.value);
    if (spans?.[1]) setText(spans[1], f.hint);
  });
}

export function endpoints(table: HTMLElement, note: HTMLElement, lines: Line[], store: Store): void {
  const body = table.querySelector('tbody') as HTMLElement;
  const many = (store.hello?.circuits.length ?? 1) > 1;
  const rows = lines.map((line) => {
    const address = store.hello?.routes[line.index]?.address ?? '';
    return [
      many ? `${line.name} → ${address}` : address,
      stateWord(line.state),
      count(line.calls),
      line.calls > 0 ? percent(line.failed) : '–',
      count(line.rescued),
      ms(line.p50),
      ms(line.p95),
      ms(line.max),
    ];
  });
  while (body.children.length > rows.length) body.lastElementChild?.remove();
  rows.forEach((cells, i) => {
    let tr = body.children[i];
    if (!tr) {
      tr = document.createElement('tr');
      cells.forEach((_, j) => tr?.append(document.createElement(j === 0 ? 'th' : 'td')));
      tr.firstElementChild?.setAttribute('scope', 'row');
      body.append(tr);
    }
    cells.forEach((text, j) => setText(tr?.children[j] as Element, text));
  });
  const seconds = many ? undefined : store.status?.circuits[0]?.window.seconds;
  const window = seconds === undefined ? 'Over each breaker’s window' : `Over the breaker's window of ${seconds} s`;
  setText(note, `${window}; latencies are the upstream's own.${many ? ' The circuits of the list above.' : ''}`);
}

const LONGEST = 100;

export class Journal {
  private known = '';

  constructor(private readonly list: HTMLElement) {}

  show(store: Store, circuit: string): void {
    const newest = (store.transitions.get(circuit) ?? []).slice(-LONGEST).reverse();
    const key = `${circuit} ${newest.length} ${newest[0]?.t ?? 0} ${newest[0]?.circuit}`;
    const many = (store.hello?.circuits.length ?? 1) > 1;
    if (key === this.known) return;
    this.known = key;
    if (newest.length === 0) {
      const empty = document.createElement('li');
      empty.className = 'empty';
      empty.textContent = circuit === ALL ? 'Nothing yet: no circuit has changed its state.' : 'Nothing yet: the circuit has not changed its state.';
      this.list.replaceChildren(empty);
      return;
    }
    this.list.replaceChildren(...newest.map((t) => this.item(t, many)));
  }

  private item(t: Transition, many: boolean): HTMLElement {
    const item = document.createElement('li');
    item.dataset['state'] = t.to;
    const time = document.createElement('time');
    time.dateTime = new Date(t.t * 1000).toISOString();
    time.textContent = clock(t.t);
    const what = document.createElement('strong');
    what.textContent = `${many ? `${t.circuit}: ` : ''}${stateWord(t.from)} → ${stateWord(t.to)}`;
    const text = document.createElement('p');
    text.textContent = t.text;
    item.append(time, what, text);
    return item;
  }
}
