// Numbers and times as people read them.

export const NONE = '–';

export function count(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return NONE;
  if (n >= 1e6) return `${trim(n / 1e6)} M`;
  if (n >= 1e4) return `${trim(n / 1e3)} k`;
  if (n >= 100 || Number.isInteger(n)) return n.toFixed(0);
  return trim(n);
}

function trim(n: number): string {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

export function ms(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return NONE;
  if (n >= 1000) return `${trim(n / 1000)} s`;
  return `${n === 0 ? '0' : trim(n)} ms`;
}

export function percent(n: number | null | undefined): string {
  return n === null || n === undefined || !Number.isFinite(n) ? NONE : `${n >= 10 || n === 0 ? n.toFixed(0) : n.toFixed(1)} %`;
}

export function mebibytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  const size = n / 1048576;
  return `${Number.isInteger(size) ? size : trim(size)} MiB`;
}

export function clock(t: number): string {
  const d = new Date(t * 1000);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

export function span(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const STATE_WORDS: Record<string, string> = {
  closed: 'Closed',
  open: 'Open',
  half_open: 'Half-open',
  forced_open: 'Forced open',
  disabled: 'Disabled',
  metrics_only: 'Metrics only',
  unknown: 'Unknown',
};

export function stateWord(state: string): string {
  return STATE_WORDS[state] ?? state;
}
