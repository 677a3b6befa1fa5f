// The timeline band: what state a circuit was in, when. Colour, pattern and word say the same thing, so that none of
// them is needed.

import { span, stateWord } from './format';
import type { Segment } from './store';

export function stateColour(state: string, css: CSSStyleDeclaration): string {
  const name = state === 'closed' ? '--closed' : state.endsWith('open') && state !== 'half_open' ? '--open' : state === 'half_open' ? '--half' : '--other';
  return css.getPropertyValue(name);
}

export class Band {
  readonly canvas = document.createElement('canvas');

  constructor(
    host: HTMLElement,
    private readonly height = 30,
  ) {
    this.canvas.setAttribute('role', 'img');
    host.append(this.canvas);
  }

  // left, right: the plots' gutters, so that the band lies on their time axis.
  draw(segments: Segment[], from: number, to: number, left: number, right: number, cursor: number | undefined): void {
    const width = this.canvas.parentElement?.clientWidth ?? 0;
    const { height } = this;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const g = this.canvas.getContext('2d');
    if (!g || width === 0) return;
    const css = getComputedStyle(document.documentElement);
    g.scale(ratio, ratio);
    const x = (t: number): number => left + ((t - from) / (to - from)) * (width - left - right);
    g.fillStyle = css.getPropertyValue('--unknown-soft');
    g.fillRect(left, 0, width - left - right, height);
    g.font = '600 12px system-ui, sans-serif';
    g.textBaseline = 'middle';
    for (const s of segments) {
      const x0 = x(s.from);
      const w = Math.max(1, x(s.to) - x0);
      g.fillStyle = stateColour(s.state, css);
      g.globalAlpha = s.state === 'closed' ? 0.85 : 1;
      g.fillRect(x0, 0, w, height);
      g.globalAlpha = 1;
      if (s.state !== 'closed') this.hatch(g, s.state, x0, w, height, css);
      const word = stateWord(s.state);
      if (height > 20 && g.measureText(word).width + 12 < w) {
        g.fillStyle = css.getPropertyValue('--card');
        g.fillText(word, x0 + 6, height / 2 + 0.5);
      }
    }
    if (cursor !== undefined && cursor >= from && cursor <= to) {
      g.fillStyle = css.getPropertyValue('--text');
      g.fillRect(x(cursor), 0, 1, height);
    }
    this.canvas.setAttribute('aria-label', this.describe(segments));
  }

  private hatch(g: CanvasRenderingContext2D, state: string, x: number, w: number, h: number, css: CSSStyleDeclaration): void {
    g.save();
    g.beginPath();
    g.rect(x, 0, w, h);
    g.clip();
    g.strokeStyle = css.getPropertyValue('--card');
    g.globalAlpha = 0.22;
    g.lineWidth = state === 'half_open' ? 1.5 : 3;
    const step = state === 'half_open' ? 4 : 9;
    for (let at = x - h; at < x + w; at += step) {
      g.beginPath();
      if (state === 'half_open') {
        g.moveTo(at + h, 0);
        g.lineTo(at + h, h);
      } else {
        g.moveTo(at, h);
        g.lineTo(at + h, 0);
      }
      g.stroke();
    }
    g.restore();
  }

  private describe(segments: Segment[]): string {
    const seconds = new Map<string, number>();
    for (const s of segments) seconds.set(s.state, (seconds.get(s.state) ?? 0) + s.to - s.from);
    const parts = [...seconds].map(([state, time]) => `${stateWord(state).toLowerCase()} ${span(time)}`);
    return `State over the time shown: ${parts.join(', ') || 'nothing yet'}; ${Math.max(0, segments.length - 1)} changes`;
  }
}
