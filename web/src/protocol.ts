// What GET /events sends; proxy/src/sampler.cc is the other end.

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
  timeout_ms: number;
  control: boolean;
  pressure: boolean;
  keep_seconds: number;
  circuits: string[];
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
  error_threshold_percent: number;
  window: Window;
  totals: Record<string, number>;
  endpoints: { address: string; window: Window }[];
}

export interface Status {
  circuits: CircuitStatus[];
  loop: { workers: { index: number; lag_ms: number; max_lag_ms_10s: number }[] };
}
