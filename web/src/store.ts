// Everything the page knows: rows of numbers, changes of state, and the runs of the proxy they belong to. Bounded: older
// than KEEP seconds is forgotten. A restart of the proxy begins a new run and keeps what the old one told.

import type { CircuitStatus, Hello, Rows, StateName, Status, Transition } from './protocol';
import { STATES, type BriefLine } from './protocol';

const KEEP = 960; // seconds
const GAP = 2.6; // without a row for so long, the lines are broken

export interface Segment {
  from: number;
  to: number;
  state: StateName | 'unknown';
}

// The name of all circuits together: of their columns, and of the list of all changes.
export const ALL = '*';

// One circuit in a few numbers, over the breaker's window.
export interface Line {
  index: number;
  name: string;
  state: StateName;
  calls: number;
  failed: number; // percent
  rescued: number;
  rejected: number;
  p50: number | null;
  p95: number | null;
  max: number | null;
}

interface Run {
  started: number;
  last: number; // time of its last row
}

export class Store {
  times: number[] = [];
  columns = new Map<string, (number | null)[]>();
  transitions = new Map<string, Transition[]>(); // by circuit, ascending
  runs: Run[] = [];
  hello: Hello | undefined;
  status: Status | undefined;
  private readonly lines = new Map<string, Line>();
  private readonly details = new Map<string, { status: CircuitStatus; at: number }>(); // of those asked for, of many

  greet(hello: Hello): void {
    const newRun = this.runs.at(-1)?.started !== hello.started;
    if (newRun) this.runs.push({ started: hello.started, last: hello.started });
    this.hello = hello;
    for (const name of [...this.lines.keys()]) if (!hello.circuits.includes(name)) this.lines.delete(name);
  }

  told(status: Status): void {
    this.status = status;
    for (const c of status.circuits) {
      const w = c.window;
      const any = w.latency_samples > 0;
      const at = (p: string): number | null => (any ? (w.percentiles_ms[p] ?? null) : null);
      this.setLine(c.name, [0, STATES.indexOf(c.state), 0, w.total, w.failure_rate_percent, w.rescued, w.rejected, at('50'), at('95'), at('100')]);
    }
    for (const line of status.lines ?? []) this.setLine(this.hello?.circuits[line[0]] ?? '', line);
  }

  private setLine(name: string, [, state, , calls, failed, rescued, rejected, p50, p95, max]: BriefLine): void {
    const index = this.hello?.circuits.indexOf(name) ?? -1;
    if (index < 0) return;
    this.lines.set(name, { index, name, state: STATES[state] ?? 'closed', calls, failed, rescued, rejected, p50, p95, max });
  }

  line(name: string): Line | undefined {
    return this.lines.get(name);
  }
  allLines(): Line[] {
    return [...this.lines.values()];
  }

  // Everything about one circuit, where it is known.
  detail(name: string): CircuitStatus | undefined {
    return this.status?.circuits.find((c) => c.name === name) ?? this.details.get(name)?.status;
  }

  // Where there are many circuits, one is asked for by itself: its columns begin when it is first looked at.
  // `at`: seconds of any clock that does not step.
  setDetail(status: CircuitStatus, at: number): void {
    const before = this.details.get(status.name);
    this.details.set(status.name, { status, at });
    this.setLatest(`${status.name}.timeout_ms`, status.timeout.now_ms);
    if (!before || at <= before.at || at - before.at > GAP) return;
    for (const [event, total] of Object.entries(status.totals)) {
      const rate = Math.max(0, total - (before.status.totals[event] ?? total)) / (at - before.at);
      this.setLatest(`${status.name}.${event}`, rate);
    }
  }

  private setLatest(name: string, value: number): void {
    const column = this.columns.get(name) ?? new Array<null>(this.times.length).fill(null);
    this.columns.set(name, column);
    if (this.times.length > 0) column[this.times.length - 1] = value;
  }

  // The id for /events?since=: what has been seen, in milliseconds.
  seen(): number | undefined {
    const last = this.times.at(-1);
    return last === undefined ? undefined : Math.floor(last * 1000);
  }

  add(rows: Rows): void {
    for (const name of rows.columns) {
      if (!this.columns.has(name)) this.columns.set(name, new Array<null>(this.times.length).fill(null));
    }
    rows.times.forEach((t, row) => {
      const last = this.times.at(-1);
      if (last !== undefined && t <= last) return;
      if (last !== undefined && t - last > GAP) this.push((last + t) / 2, rows, -1);
      this.push(t, rows, row);
    });
    const run = this.runs.at(-1);
    const newest = rows.times.at(-1);
    if (run && newest !== undefined) run.last = Math.max(run.last, newest);
    this.forget();
  }

  private push(t: number, rows: Rows, row: number): void {
    this.times.push(t);
    for (const [name, column] of this.columns) {
      const at = rows.columns.indexOf(name);
      column.push((row >= 0 ? rows.values[at]?.[row] : null) ?? null);
    }
  }

  private forget(): void {
    const newest = this.times.at(-1) ?? 0;
    let old = 0;
    while ((this.times[old] ?? newest) < newest - KEEP) old++;
    // In steps, not at every row: splicing an array moves all of it.
    if (old > 60) {
      this.times.splice(0, old);
      for (const column of this.columns.values()) column.splice(0, old);
      this.runs = this.runs.filter((run) => run.last >= newest - KEEP);
      for (const [name, list] of this.transitions) {
        this.transitions.set(name, list.filter((t) => t.t >= newest - KEEP));
      }
    }
  }

  // False when it was known already.
  changed(transition: Transition): boolean {
    const list = this.transitions.get(transition.circuit) ?? [];
    this.transitions.set(transition.circuit, list);
    if (list.some((known) => known.sequence === transition.sequence && Math.abs(known.t - transition.t) < 0.5)) {
      return false;
    }
    const everything = this.transitions.get(ALL) ?? [];
    this.transitions.set(ALL, everything);
    for (const to of [list, everything]) {
      const late = (to.at(-1)?.t ?? 0) > transition.t;
      to.push(transition);
      if (late) to.sort((a, b) => a.t - b.t);
    }
    const line = this.lines.get(transition.circuit);
    if (line && list.at(-1) === transition) line.state = transition.to;
    return true;
  }

  column(name: string): (number | null)[] {
    return this.columns.get(name) ?? [];
  }

  // The index of the row at or just before t; -1 when there is none.
  at(t: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] ?? 0) <= t) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // The circuit's state over [from, to], without overlap and ascending. Exact where a change was reported; between two
  // runs of the proxy it is unknown.
  segments(circuit: string, from: number, to: number): Segment[] {
    const all = this.transitions.get(circuit) ?? [];
    const out: Segment[] = [];
    this.runs.forEach((run, i) => {
      const lastRun = i === this.runs.length - 1;
      const end = lastRun ? Math.max(to, run.last) : run.last;
      const next = this.runs[i + 1]?.started ?? Infinity;
      const mine = all.filter((t) => t.t >= run.started - 0.5 && t.t < next - 0.5);
      let state: StateName = mine[0]?.from ?? this.stateBefore(circuit, run) ?? (lastRun ? this.line(circuit)?.state : undefined) ?? 'closed';
      let start = Math.max(run.started, this.times[0] ?? run.started);
      for (const change of mine) {
        if (change.t > start) out.push({ from: start, to: change.t, state });
        start = Math.max(start, change.t);
        state = change.to;
      }
      if (end > start) out.push({ from: start, to: end, state });
    });
    return out
      .map((s) => ({ ...s, from: Math.max(s.from, from), to: Math.min(s.to, to) }))
      .filter((s) => s.to > s.from);
  }

  private stateBefore(circuit: string, run: Run): StateName | undefined {
    const row = this.column(`${circuit}.state`)[this.at(run.last)];
    return row === null || row === undefined ? undefined : STATES[row];
  }
}
