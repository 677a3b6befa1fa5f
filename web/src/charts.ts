// The charts: all on one time axis with the band, one reading line through all of them.

import uPlot from 'uplot';

import { stateColour } from './band';
import { clock, count, mebibytes, ms, percent } from './format';
import type { Transition } from './protocol';
import type { Segment, Store } from './store';

export const LEFT = 52;
export const RIGHT = 54;
const MARKERS = 200;

type Format = (n: number | null | undefined) => string;

interface SeriesSpec {
  label: string;
  column: string; // '*' stands for the circuit's name
  colour: string; // a CSS variable
  format: Format;
  scale?: 'y' | 'r'; // left or right axis
  fill?: boolean;
  bars?: boolean;
  width?: number;
  dash?: number[];
  off?: boolean; // hidden until asked for
}

interface ChartSpec {
  id: string;
  title: string;
  unit: string;
  series: SeriesSpec[];
  left: Format;
  right?: Format;
  rightSteps?: number[];
  height: number;
  markers?: boolean; // changes of state as vertical lines
  timeout?: boolean; // a dashed line at the timeout in force: a learned one moves
}

const SPECS: ChartSpec[] = [
  {
    id: 'lag',
    title: 'Event-loop lag against circuit events',
    unit: 'lag left, events per second right, changes of state as lines',
    left: ms,
    right: count,
    height: 190,
    markers: true,
    series: [
      { label: 'loop lag', column: 'lag', colour: '--s-lag', format: ms, fill: true, width: 2 },
      { label: 'timeouts', column: '*.timeout', colour: '--s-timeout', format: count, scale: 'r', bars: true },
      { label: 'failures', column: '*.failure', colour: '--s-failure', format: count, scale: 'r', width: 1.5 },
      { label: 'rescued', column: 'rescued', colour: '--s-rescued', format: count, scale: 'r', width: 2 },
    ],
  },
  {
    id: 'events',
    title: 'Circuit events',
    unit: 'per second',
    left: count,
    height: 150,
    series: [
      { label: 'success', column: '*.success', colour: '--s-success', format: count, fill: true },
      { label: 'failure', column: '*.failure', colour: '--s-failure', format: count },
      { label: 'timeout', column: '*.timeout', colour: '--s-timeout', format: count },
      { label: 'reject', column: '*.reject', colour: '--s-reject', format: count },
      { label: 'fallback', column: '*.fallback', colour: '--s-fallback', format: count, dash: [4, 3] },
    ],
  },
  {
    id: 'requests',
    title: 'Requests and errors',
    unit: 'per second; an error is a 5xx or a fallback',
    left: count,
    height: 130,
    series: [
      { label: 'requests', column: 'requests', colour: '--accent', format: count, fill: true },
      { label: 'errors', column: 'errors', colour: '--s-failure', format: count },
    ],
  },
  {
    id: 'latency',
    title: 'Response time',
    unit: 'as clients see it; the dashed line is the timeout in force',
    left: ms,
    height: 160,
    timeout: true,
    series: [
      { label: 'p50', column: 'p50', colour: '--s-p50', format: ms },
      { label: 'p95', column: 'p95', colour: '--s-p95', format: ms, width: 2 },
      { label: 'p99', column: 'p99', colour: '--s-p99', format: ms },
      { label: 'max', column: 'max', colour: '--s-max', format: ms, dash: [3, 3] },
    ],
  },
  {
    id: 'delay',
    title: 'Our own delay',
    unit: 'requests waiting to be read, answers waiting to be read; shed per second right',
    left: ms,
    right: count,
    height: 130,
    series: [
      { label: 'queue p95', column: 'queue_p95', colour: '--s-p95', format: ms },
      { label: 'queue max', column: 'queue_max', colour: '--s-max', format: ms, dash: [3, 3] },
      { label: 'answers max', column: 'local_max', colour: '--s-lag', format: ms },
      { label: 'shed', column: 'shed', colour: '--s-failure', format: count, scale: 'r', bars: true },
    ],
  },
  {
    id: 'process',
    title: 'Process',
    unit: 'CPU of one core left, memory right',
    left: percent,
    right: mebibytes,
    rightSteps: Array.from({ length: 20 }, (_, i) => 1048576 * 2 ** i),
    height: 130,
    series: [
      { label: 'CPU', column: 'cpu', colour: '--s-rescued', format: percent, fill: true },
      { label: 'memory', column: 'memory', colour: '--s-reject', format: mebibytes, scale: 'r' },
    ],
  },
];

export interface View {
  from: number;
  to: number;
  circuit: string;
}

class Chart {
  readonly figure = document.createElement('figure');
  private readonly host = document.createElement('div');
  private readonly keys: HTMLElement[] = [];
  private plot: uPlot | undefined;
  private readonly shown: boolean[];
  private segments: Segment[] = [];
  private transitions: Transition[] = [];
  private timeouts: (number | null)[] = []; // beside data[0]
  private data: uPlot.AlignedData = [[]];

  constructor(
    readonly spec: ChartSpec,
    private readonly moved: (t: number | undefined) => void,
  ) {
    this.shown = spec.series.map((s) => !s.off);
    this.figure.className = 'card';
    this.figure.id = `chart-${spec.id}`;
    const caption = document.createElement('figcaption');
    const title = document.createElement('h3');
    title.textContent = `${spec.title} `;
    const unit = document.createElement('span');
    unit.className = 'unit';
    unit.textContent = spec.unit;
    title.append(unit);
    const keys = document.createElement('div');
    keys.className = 'keys';
    spec.series.forEach((s, i) => keys.append(this.key(s, i)));
    caption.append(title, keys);
    this.host.className = 'plot';
    this.host.setAttribute('role', 'img');
    this.host.setAttribute('aria-label', `${spec.title}: a line chart; its values are in the line above it`);
    this.figure.append(caption, this.host);
  }

  private key(s: SeriesSpec, i: number): HTMLElement {
    const key = document.createElement('button');
    key.type = 'button';
    key.className = 'key';
    key.setAttribute('aria-pressed', String(this.shown[i]));
    key.title = `Show or hide ${s.label}`;
    const swatch = document.createElement('i');
    swatch.style.background = `var(${s.colour})`;
    const value = document.createElement('b');
    key.append(swatch, s.label, ' ', value);
    key.addEventListener('click', () => {
      this.shown[i] = !this.shown[i];
      key.setAttribute('aria-pressed', String(this.shown[i]));
      this.plot?.setSeries(i + 1, { show: this.shown[i] ?? true });
    });
    this.keys.push(value);
    return key;
  }

  build(): void {
    this.plot?.destroy();
    const css = getComputedStyle(document.documentElement);
    const colour = (name: string): string => css.getPropertyValue(name).trim();
    const axis = (format: Format): Partial<uPlot.Axis> => ({
      stroke: colour('--muted'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      gap: 4,
      values: (_, splits) => splits.map((v) => format(v)),
    });
    const options: uPlot.Options = {
      width: this.host.clientWidth || 600,
      height: this.spec.height,
      padding: [6, this.spec.right ? 0 : RIGHT, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: 'quoll', setSeries: false }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: false, auto: false },
        y: { range: (_, __, max) => [0, nice(max)] },
        r: { range: (_, __, max) => [0, nice(max)] },
      },
      axes: [
        { ...axis(count), size: 24, space: 72, incrs: [5, 10, 15, 30, 60, 120, 300], values: (_, splits) => splits.map(clock) },
        { ...axis(this.spec.left), scale: 'y', size: LEFT, space: 32 },
        ...(this.spec.right
          ? [{ ...axis(this.spec.right), scale: 'r', side: 1 as const, size: RIGHT, space: 32, grid: { show: false }, ...(this.spec.rightSteps ? { incrs: this.spec.rightSteps } : {}) }]
          : []),
      ],
      series: [
        {},
        ...this.spec.series.map((s, i): uPlot.Series => ({
          label: s.label,
          scale: s.scale ?? 'y',
          show: this.shown[i] ?? true,
          stroke: colour(s.colour),
          width: s.width ?? 1.5,
          ...(s.dash ? { dash: s.dash } : {}),
          ...(s.fill ? { fill: `${colour(s.colour)}22` } : {}),
          ...(s.bars ? { paths: bars, fill: `${colour(s.colour)}99`, width: 0 } : {}),
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawClear: [(u) => this.shade(u)],
        draw: [(u) => this.mark(u)],
        setCursor: [
          (u) => {
            const left = u.cursor.left ?? -1;
            this.moved(left < 0 ? undefined : u.posToVal(left, 'x'));
          },
        ],
      },
    };
    this.plot = new uPlot(options, this.data, this.host);
  }

  // The time that is not closed, behind the lines.
  private shade(u: uPlot): void {
    const css = getComputedStyle(document.documentElement);
    const { ctx, bbox } = u;
    for (const s of this.segments) {
      if (s.state === 'closed') continue;
      const x0 = u.valToPos(s.from, 'x', true);
      const x1 = u.valToPos(s.to, 'x', true);
      const name = s.state === 'half_open' ? '--half-soft' : s.state === 'unknown' ? '--unknown-soft' : '--open-soft';
      ctx.fillStyle = css.getPropertyValue(name);
      ctx.fillRect(x0, bbox.top, Math.max(1, x1 - x0), bbox.height);
    }
  }

  private mark(u: uPlot): void {
    const css = getComputedStyle(document.documentElement);
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    ctx.save();
    if (this.spec.markers) {
      for (const t of this.transitions) {
        const x = Math.round(u.valToPos(t.t, 'x', true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.fillStyle = stateColour(t.to, css);
        ctx.fillRect(x, bbox.top, Math.max(1, ratio), bbox.height);
        ctx.beginPath();
        ctx.moveTo(x - 4 * ratio, bbox.top);
        ctx.lineTo(x + 5 * ratio, bbox.top);
        ctx.lineTo(x + 0.5 * ratio, bbox.top + 7 * ratio);
        ctx.fill();
      }
    }
    if (this.spec.timeout) this.drawTimeout(u, css);
    ctx.restore();
  }

  // Each value holds from its row to the next one. Above the chart's top there is nothing to draw.
  private drawTimeout(u: uPlot, css: CSSStyleDeclaration): void {
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    const times = this.data[0] ?? [];
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = css.getPropertyValue('--s-failure');
    ctx.globalAlpha = 0.8;
    ctx.lineWidth = ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    let drawing = false;
    this.timeouts.forEach((timeout, i) => {
      const t = times[i];
      if (timeout === null || t === undefined) {
        drawing = false;
        return;
      }
      const x = Math.round(u.valToPos(t, 'x', true));
      const y = Math.round(u.valToPos(timeout, 'y', true));
      if (!drawing) ctx.moveTo(x, y);
      drawing = true;
      ctx.lineTo(x, y);
      const next = times[i + 1];
      ctx.lineTo(next === undefined ? bbox.left + bbox.width : Math.round(u.valToPos(next, 'x', true)), y);
    });
    ctx.stroke();
  }

  update(store: Store, view: View, segments: Segment[]): void {
    const first = Math.max(0, store.at(view.from));
    const last = store.at(view.to) + 1;
    const columns = this.spec.series.map((s) => store.column(s.column.replace('*', view.circuit)).slice(first, last));
    this.data = [store.times.slice(first, last), ...columns];
    this.segments = segments;
    this.transitions = (store.transitions.get(view.circuit) ?? []).slice(-MARKERS);
    this.timeouts = this.spec.timeout ? store.column(`${view.circuit}.timeout_ms`).slice(first, last) : []; // of all together none
    if (!this.plot) return;
    this.plot.batch(() => {
      this.plot?.setData(this.data, false);
      this.plot?.setScale('x', { min: view.from, max: view.to });
    });
  }

  resize(): void {
    const width = this.host.clientWidth;
    if (width > 0) this.plot?.setSize({ width, height: this.spec.height });
  }

  // The values at a row, in the line above the chart; returned as words too.
  read(store: Store, row: number, circuit: string): string {
    return this.spec.series
      .map((s, i) => {
        const text = s.format(store.column(s.column.replace('*', circuit))[row]);
        const key = this.keys[i];
        if (key && key.textContent !== text) key.textContent = text;
        return `${s.label} ${text}`;
      })
      .join(', ');
  }

  // Moves the reading line; undefined takes it away.
  point(t: number | undefined): void {
    if (!this.plot) return;
    const left = t === undefined ? -10 : this.plot.valToPos(t, 'x');
    this.plot.setCursor({ left, top: t === undefined ? -10 : 10 }, false);
  }
}

const bars: uPlot.Series.PathBuilder = (u, s, i0, i1) =>
  uPlot.paths.bars?.({ size: [0.7, 14], align: 0 })(u, s, i0, i1) ?? null;

// Room above the largest value, and a scale when there is nothing.
function nice(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.1;
}

export class Charts {
  readonly all: Chart[];

  constructor(host: HTMLElement, moved: (t: number | undefined) => void) {
    this.all = SPECS.map((spec) => new Chart(spec, moved));
    for (const chart of this.all) host.append(chart.figure);
    this.build();
  }

  build(): void {
    for (const chart of this.all) chart.build();
  }
}
