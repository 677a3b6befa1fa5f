// What stands beside the charts: the circuit now, the key figures, the endpoints, the journal.

import { clock, count, ms, percent, span, stateWord } from './format';
import type { CircuitStatus, Transition } from './protocol';
import type { Store } from './store';

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function pick(select: HTMLSelectElement, names: string[], chosen: string): void {
  select.hidden = names.length < 2;
  if (select.options.length === names.length && names.every((name, i) => select.options[i]?.value === name)) return;
  select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
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

interface Figure {
  name: string;
  value: string;
  hint: string;
}

export function figures(host: HTMLElement, store: Store, circuit: string): void {
  const row = store.times.length - 1;
  const of = (column: string): number | null => store.column(column)[row] ?? null;
  const totals = store.status?.circuits.find((c) => c.name === circuit)?.totals ?? {};
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
    { name: 'Rescued', value: count(totals['rescued'] ?? 0), hint: 'in time, our timer late' },
    { name: 'Rejected', value: count(totals['reject'] ?? 0), hint: `opened ${count(totals['open'] ?? 0)}×` },
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

export function endpoints(table: HTMLElement, note: HTMLElement, circuits: CircuitStatus[]): void {
  const body = table.querySelector('tbody') as HTMLElement;
  const rows = circuits.flatMap((c) =>
    c.endpoints.map((e) => {
      const w = e.window;
      const any = w.latency_samples > 0;
      const at = (p: string): string => (any ? ms(w.percentiles_ms[p]) : '–');
      return [
        e.address,
        stateWord(c.state),
        count(w.total),
        w.total > 0 ? percent(w.failure_rate_percent) : '–',
        count(w.rescued),
        at('50'),
        at('95'),
        at('100'),
      ];
    }),
  );
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
  const seconds = circuits[0]?.window.seconds;
  if (seconds !== undefined) setText(note, `Over the breaker's window of ${seconds} s; latencies are the upstream's own.`);
}

const LONGEST = 100;

export class Journal {
  private known = '';

  constructor(private readonly list: HTMLElement) {}

  show(store: Store, circuit: string): void {
    const newest = (store.transitions.get(circuit) ?? []).slice(-LONGEST).reverse();
    const key = `${circuit} ${newest.length} ${newest[0]?.t ?? 0}`;
    if (key === this.known) return;
    this.known = key;
    if (newest.length === 0) {
      const empty = document.createElement('li');
      empty.className = 'empty';
      empty.textContent = 'Nothing yet: the circuit has not changed its state.';
      this.list.replaceChildren(empty);
      return;
    }
    this.list.replaceChildren(...newest.map((t) => this.item(t)));
  }

  private item(t: Transition): HTMLElement {
    const item = document.createElement('li');
    item.dataset['state'] = t.to;
    const time = document.createElement('time');
    time.dateTime = new Date(t.t * 1000).toISOString();
    time.textContent = clock(t.t);
    const what = document.createElement('strong');
    what.textContent = `${stateWord(t.from)} → ${stateWord(t.to)}`;
    const text = document.createElement('p');
    text.textContent = t.text;
    item.append(time, what, text);
    return item;
  }
}
