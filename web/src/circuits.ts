// The list of circuits, where there are several: those in trouble first, each with its band on the time axis of the
// charts below. A few are shown; a filter and "show more" reach the others.

import { Band } from './band';
import { LEFT, RIGHT } from './charts';
import { count, ms, percent, stateWord } from './format';
import { ALL, type Line, type Store } from './store';

const FIRST = 8;
const MORE = 16;
const MOST = 200; // bands at a time: each is a canvas that is drawn every second

const TROUBLE: Record<string, number> = { open: 0, forced_open: 0, half_open: 1 };
const rank = (line: Line): number => TROUBLE[line.state] ?? 2;

function byTrouble(a: Line, b: Line): number {
  return rank(a) - rank(b) || (b.calls > 0 ? b.failed : 0) - (a.calls > 0 ? a.failed : 0) || a.index - b.index; // by calls, they would change places every second
}

class Row {
  readonly item = document.createElement('li');
  readonly button = document.createElement('button');
  private readonly name = document.createElement('b');
  private readonly state = document.createElement('span');
  private readonly way = document.createElement('span');
  private readonly numbers = document.createElement('span');
  readonly band: Band;

  constructor(line: Line, store: Store, chosen: (name: string) => void) {
    this.button.type = 'button';
    this.button.className = 'row';
    this.state.className = 'state';
    this.way.className = 'way';
    this.numbers.className = 'numbers';
    this.name.textContent = line.name;
    const route = store.hello?.routes[line.index];
    this.way.textContent = route ? `${route.host}${route.path || 'everything else'} → ${route.address}` : '';
    this.button.append(this.name, this.state, this.way, this.numbers);
    this.button.addEventListener('click', () => chosen(line.name));
    const host = document.createElement('div');
    host.className = 'band thin';
    this.band = new Band(host, 12);
    this.item.append(this.button, host);
  }

  show(line: Line, chosen: boolean): void {
    this.item.dataset['state'] = line.state;
    this.button.setAttribute('aria-pressed', String(chosen));
    const numbers = line.calls > 0 ? `${count(line.calls)} calls, ${percent(line.failed)} failed, p95 ${ms(line.p95)}` : 'no calls';
    const state = stateWord(line.state);
    if (this.state.textContent !== state) this.state.textContent = state;
    if (this.numbers.textContent !== numbers) this.numbers.textContent = numbers;
  }
}

export class Circuits {
  private readonly card = document.getElementById('circuits') as HTMLElement;
  private readonly list = document.getElementById('circuit-list') as HTMLElement;
  private readonly filter = document.getElementById('filter') as HTMLInputElement;
  private readonly found = document.getElementById('found') as HTMLElement;
  private readonly more = document.getElementById('more') as HTMLButtonElement;
  private readonly all = document.getElementById('all') as HTMLButtonElement;
  private readonly rows = new Map<string, Row>();
  private names: string[] = []; // shown, in order
  private limit = FIRST;

  constructor(
    private readonly store: Store,
    private readonly chosen: (name: string) => void,
    private readonly changed: () => void,
  ) {
    this.filter.addEventListener('input', () => {
      this.limit = FIRST;
      this.changed();
    });
    this.more.addEventListener('click', () => {
      this.limit = Math.min(MOST, this.limit + MORE);
      const next = this.names.length;
      this.changed();
      this.rows.get(this.names[next] ?? '')?.button.focus(); // the button may be gone
    });
    this.all.addEventListener('click', () => this.chosen(ALL));
  }

  // What the list shows, for the table of endpoints.
  get shown(): Line[] {
    return this.names.map((name) => this.store.line(name)).filter((line): line is Line => line !== undefined);
  }

  update(circuit: string): void {
    const many = (this.store.hello?.circuits.length ?? 1) > 1;
    this.card.hidden = !many;
    if (!many) {
      this.names = this.store.hello?.circuits ?? [];
      return;
    }
    const wanted = this.filter.value.trim().toLowerCase();
    const fits = this.store.allLines().filter((line) => wanted === '' || this.words(line).includes(wanted));
    fits.sort(byTrouble);
    const next = fits.slice(0, this.limit).map((line) => line.name);
    // Rows do not move under a pointer or under the keyboard, unless the list is another one.
    const held = this.list.matches(':hover') || this.list.contains(document.activeElement);
    const same = next.length === this.names.length && next.every((name) => this.names.includes(name));
    if (!(held && same)) this.arrange(next, fits);
    this.all.setAttribute('aria-pressed', String(circuit === ALL));
    for (const line of this.shown) this.rows.get(line.name)?.show(line, line.name === circuit);
    const left = fits.length - this.names.length;
    this.more.hidden = left <= 0 || this.limit >= MOST;
    this.more.textContent = `Show ${Math.min(MORE, left)} more`;
    const words = `${this.names.length} of ${fits.length} ${wanted === '' ? 'circuits' : 'that fit'} shown, trouble first`;
    if (this.found.textContent !== words) this.found.textContent = words;
  }

  draw(from: number, to: number, cursor: number | undefined): void {
    for (const name of this.names) {
      this.rows.get(name)?.band.draw(this.store.segments(name, from, to), from, to, LEFT, RIGHT, cursor);
    }
  }

  private words(line: Line): string {
    const route = this.store.hello?.routes[line.index];
    return `${line.name} ${stateWord(line.state)} ${route?.host ?? ''}${route?.path ?? ''} ${route?.address ?? ''} ${route?.upstream ?? ''}`.toLowerCase();
  }

  private arrange(names: string[], lines: Line[]): void {
    if (names.length === this.names.length && names.every((name, i) => name === this.names[i])) return;
    const focused = [...this.rows].find(([, row]) => row.button === document.activeElement)?.[0];
    const gone = new Set(this.rows.keys());
    for (const line of lines.slice(0, names.length)) {
      gone.delete(line.name);
      if (!this.rows.has(line.name)) this.rows.set(line.name, new Row(line, this.store, this.chosen));
    }
    for (const name of gone) this.rows.delete(name);
    this.names = names;
    this.list.replaceChildren(...names.map((name) => (this.rows.get(name) as Row).item));
    if (focused !== undefined) this.rows.get(focused)?.button.focus();
  }
}
