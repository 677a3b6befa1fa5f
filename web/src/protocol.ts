// What GET /events sends; proxy/live/src/sampler.cc is the other end.

export type StateName = 'closed' | 'open' | 'half_open' | 'forced_open' | 'disabled' | 'metrics_only';

// In the order of core::State: the number in a circuit's ".state" column.
export const STATES: readonly StateName[] = ['closed', 'open', 'half_open', 'forced_open', 'disabled', 'metrics_only'];

export interface Hello {
  started: number; // seconds since the epoch; tells one run of the proxy from the next
  now: number;
  listen: string;
  upstream: string;
  verdict: string;
  workers: number;
  timeout_ms: number; // in force now
  control: boolean;
  pressure: boolean;
  keep_seconds: number;
  circuits: string[];
  routes: { host: string; path: string; upstream: string; address: string; timeout_ms: number }[]; // one for each circuit
}

export interface Rows {
  columns: string[];
  times: number[]; // seconds since the epoch, ascending
  values: (number | null)[][]; // one array for each column
}

export interface Counts {
  total: number;
  success: number;
  failure: number;
  timeout: number;
  slow: number;
  rescued: number;
  ignored: number;
  rejected: number;
  failure_rate_percent: number;
}

export interface Transition {
  circuit: string;
  sequence: number;
  t: number;
  from: StateName;
  to: StateName;
  reason: string;
  text: string;
  counts: Counts;
  stall_ms: number;
}

export interface Window extends Counts {
  seconds: number;
  percentiles_ms: Record<string, number>;
  latency_samples: number;
}

export interface CircuitStatus {
  name: string;
  upstream: string;
  state: StateName;
  mode: string;
  state_seconds: number;
  remaining_seconds: number;
  explanation: string;
  failure_rate_threshold: number;
  timeout: { kind: string; now_ms: number };
  window: Window;
  totals: Record<string, number>;
  endpoints: { address: string; window: Window }[];
}

// Index, state, seconds in it, calls, percent failed, rescued, rejected, p50, p95, max.
export type BriefLine = [number, number, number, number, number, number, number, number | null, number | null, number | null];

export interface Status {
  circuits: CircuitStatus[]; // all of few, none of many
  lines?: BriefLine[]; // of many: those with news
  states: Partial<Record<StateName, number>>;
  loop: { workers: { index: number; lag_ms: number; max_lag_ms_10s: number }[] };
}
