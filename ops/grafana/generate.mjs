// The two Grafana dashboards, from this one readable source:
//
//   node ops/grafana/generate.mjs           writes ops/grafana/dashboards/*.json
//   node ops/grafana/generate.mjs --check   exit 1 when what is there is not what this makes
//
// @ts-check

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('@grafana/schema').Dashboard} Dashboard */
/** @typedef {import('@grafana/schema').Panel} Panel */

const JOB = 'job=~"$job"';
const CIRCUIT = 'job=~"$job",circuit=~"$circuit"';
const ROUTE = 'job=~"$job",http_route=~"$circuit"'; // a route has its circuit's name
const SOURCE = { type: 'prometheus', uid: 'prometheus' };

// The same colour for the same thing on every panel.
const COLOURS = {
  success: 'green', close: 'green', rescued: 'blue', failure: 'red', open: 'dark-red', timeout: 'orange',
  half_open: 'yellow', reject: 'purple', fallback: 'light-blue', cancelled: 'gray', inconclusive: 'semi-dark-yellow',
  p50: 'light-blue', p95: 'blue', max: 'gray', lag: 'purple',
};

/** @typedef {{ expr: string, legend: string, name?: string }} Query */
/** @typedef {{ unit: string, steps?: [number | null, string][], w?: number, h?: number, about: string, more?: object,
 *              defaults?: object, overrides?: object[], options?: object, min?: number, max?: number }} Look */

/** @param {string} name @param {string} colour */
const coloured = (name, colour) => ({
  matcher: { id: 'byName', options: name },
  properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }],
});

/** A panel without its place. @param {string} type @param {string} title @param {Query[]} queries @param {Look} look */
function panel(type, title, queries, look) {
  const named = Object.entries(COLOURS).filter(([name]) =>
    queries.some((q) => q.legend === name || q.legend.includes('{{event}}') || q.legend.includes('{{outcome}}')));
  return {
    type,
    title,
    description: look.about,
    datasource: SOURCE,
    targets: queries.map((q, i) => ({
      refId: String.fromCharCode(65 + i), datasource: SOURCE, editorMode: 'code', expr: q.expr, legendFormat: q.legend,
      range: true,
    })),
    fieldConfig: {
      defaults: {
        unit: look.unit,
        min: look.min ?? 0,
        ...(look.max === undefined ? {} : { max: look.max }),
        thresholds: {
          mode: 'absolute',
          steps: (look.steps ?? [[null, 'green']]).map(([value, color]) => ({ value, color })),
        },
        ...(type === 'timeseries'
          ? {
              custom: {
                lineWidth: 1.5, fillOpacity: 8, showPoints: 'never', spanNulls: false,
                thresholdsStyle: { mode: (look.steps?.length ?? 0) > 1 ? 'dashed' : 'off' },
              },
            }
          : {}),
        ...look.defaults,
      },
      overrides: [...named.map(([name, colour]) => coloured(name, colour)), ...(look.overrides ?? [])],
    },
    options:
      look.options ??
      (type === 'timeseries'
        ? { legend: { displayMode: 'table', placement: 'right', calcs: ['lastNotNull', 'max'], showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' } }
        : {}),
    size: { w: look.w ?? 12, h: look.h ?? 8 },
  };
}

// Panels from left to right, wrapping at Grafana's 24 columns.
/** @param {ReturnType<typeof panel>[]} panels @returns {Panel[]} */
function placed(panels) {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  return panels.map(({ size, ...rest }, i) => {
    if (x + size.w > 24) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const gridPos = { x, y, w: size.w, h: size.h };
    x += size.w;
    rowHeight = Math.max(rowHeight, size.h);
    return /** @type {Panel} */ ({ id: i + 1, gridPos, ...rest });
  });
}

const STATES = [
  { type: 'value', options: {
    0: { text: 'Closed', color: 'green', index: 0 },
    0.5: { text: 'Half-open', color: 'yellow', index: 1 },
    1: { text: 'Open', color: 'red', index: 2 },
  } },
];
/** @type {[number | null, string][]} */
const STATE_STEPS = [[null, 'green'], [0.5, 'yellow'], [1, 'red']];

/** @param {string} label @param {string} title @param {string} metric */
const variable = (label, title, metric) => ({
  type: 'query', name: label, label: title, datasource: SOURCE, refresh: 2, multi: true, includeAll: true,
  allValue: '.*', current: { text: ['All'], value: ['$__all'] },
  query: { query: `label_values(${metric}, ${label})`, refId: 'variable' }, sort: 1,
});

/** @param {string} event @param {string} colour */
const annotation = (event, colour) => ({
  name: `circuit ${event}`, datasource: SOURCE, enable: true, iconColor: colour,
  expr: `increase(quoll_circuit_events_total{event="${event}",${CIRCUIT}}[15s]) > 0`,
  titleFormat: `{{circuit}}: ${event}`, step: '5s', useValueForTime: false,
});

/** @param {string} uid @param {string} title @param {string} description @param {object[]} variables
 *  @param {ReturnType<typeof panel>[]} panels @returns {Dashboard} */
function dashboard(uid, title, description, variables, panels) {
  return /** @type {Dashboard} */ (/** @type {unknown} */ ({
    uid, title, description, tags: ['quoll'], schemaVersion: 39, version: 1, editable: true, graphTooltip: 1,
    refresh: '5s', time: { from: 'now-15m', to: 'now' }, timezone: 'browser',
    templating: { list: variables },
    annotations: { list: [annotation('open', 'red'), annotation('half_open', 'yellow'), annotation('close', 'green')] },
    links: [{ title: 'Quoll', type: 'dashboards', tags: ['quoll'], asDropdown: true, includeVars: true, keepTime: true }],
    panels: placed(panels),
  }));
}

/** @param {number} q @param {string} family @param {string} by @param {string} selector */
const quantile = (q, family, by, selector) =>
  `histogram_quantile(${q}, sum by (${by}) (rate(${family}_bucket{${selector}}[$__rate_interval])))`;
/** @param {string} outcomes */
const attempts = (outcomes) => `sum(rate(quoll_attempts_total{outcome=~"${outcomes}",${CIRCUIT}}[$__rate_interval]))`;

// In the order in which a reader wants to know: what state, why, what clients felt, and whether it was our own doing.
const circuits = dashboard(
  'quoll-circuits', 'Circuit breakers',
  'State of each circuit, what it did, what clients saw, and the loop lag of our own process on the same time axis.',
  [variable('job', 'Job', 'quoll_circuit_state'), variable('circuit', 'Circuit', 'quoll_circuit_state{job=~"$job"}')],
  [
    panel('stat', 'Circuit state', [{ expr: `max by (circuit) (quoll_circuit_state{${CIRCUIT}})`, legend: '{{circuit}}' }], {
      unit: 'short', steps: STATE_STEPS, w: 6, h: 6, about: 'Green: closed. Yellow: half-open, trials under way. Red: open.',
      defaults: { mappings: STATES },
      options: { colorMode: 'background', graphMode: 'none', textMode: 'value_and_name',
                 reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } },
    }),
    panel('state-timeline', 'State over time', [{ expr: `max by (circuit) (quoll_circuit_state{${CIRCUIT}})`, legend: '{{circuit}}' }], {
      unit: 'short', steps: STATE_STEPS, w: 18, h: 6, about: 'The same as a band; half-open phases shorter than a scrape do not show.',
      defaults: { mappings: STATES, custom: { fillOpacity: 85, lineWidth: 0 } },
      options: { mergeValues: true, showValue: 'auto', rowHeight: 0.8, legend: { displayMode: 'list', placement: 'bottom', showLegend: true } },
    }),
    panel('timeseries', 'Event rates', [{ expr: `sum by (event) (rate(quoll_circuit_events_total{${CIRCUIT}}[$__rate_interval]))`, legend: '{{event}}' }], {
      unit: 'ops', w: 24, about: 'Each event of the breaker: open, close, half_open, reject, fallback, timeout, success, failure.',
    }),
    panel('timeseries', 'Response time', [
      { expr: quantile(0.5, 'http_server_request_duration_seconds', 'le', ROUTE), legend: 'p50' },
      { expr: quantile(0.95, 'http_server_request_duration_seconds', 'le', ROUTE), legend: 'p95' },
      { expr: `max(quoll_request_duration_max_seconds{${JOB}})`, legend: 'max' },
    ], { unit: 's', steps: [[null, 'green'], [0.5, 'red']], about: 'What clients waited. The line is the default timeout. max: of all routes, of the last 15 s, exact.' }),
    panel('timeseries', 'Success and failure rate', [
      { expr: attempts('success'), legend: 'success' },
      { expr: attempts('rescued'), legend: 'rescued' },
      { expr: attempts('failure'), legend: 'failure' },
      { expr: attempts('timeout'), legend: 'timeout' },
    ], { unit: 'reqps', about: 'Calls to the upstream by how they ended. Rescued: in time, though a timer would have said timeout.' }),
    panel('timeseries', 'Error percentage', [
      { expr: `100 * ${attempts('failure|timeout')} / (${attempts('success|rescued|failure|timeout')} > 0)`, legend: 'failed calls' },
      { expr: '100 * job:quoll_degraded:ratio1m{job=~"$job"}', legend: 'degraded answers, {{job}}' },
    ], { unit: 'percent', max: 100, steps: [[null, 'green'], [50, 'red']], about: 'Failed calls upstream, and answers to clients that were a 5xx or a fallback. The line is the default threshold.' }),
    panel('timeseries', 'Event-loop lag', [
      { expr: quantile(0.5, 'quoll_loop_lag_seconds', 'le', JOB), legend: 'p50' },
      { expr: quantile(0.99, 'quoll_loop_lag_seconds', 'le', JOB), legend: 'p99' },
      { expr: `max(quoll_loop_lag_max_seconds{${JOB}})`, legend: 'max' },
    ], { unit: 's', steps: [[null, 'green'], [0.1, 'orange']], about: 'How late the event loops ran what was due: our own stall, whatever its cause.' }),
    panel('timeseries', 'Event-loop lag against circuit events', [
      { expr: `max(quoll_loop_lag_max_seconds{${JOB}})`, legend: 'lag' },
      { expr: `sum(rate(quoll_circuit_events_total{event="timeout",${CIRCUIT}}[$__rate_interval]))`, legend: 'timeout' },
      { expr: `sum(rate(quoll_circuit_events_total{event="open",${CIRCUIT}}[$__rate_interval]))`, legend: 'open' },
      { expr: attempts('rescued'), legend: 'rescued' },
    ], {
      unit: 'ops', w: 24, h: 10, about: 'Lag on the left, events on the right. Lag with rescued calls and without timeouts is the claim; lag with timeouts and a trip is what other breakers do.',
      overrides: [{ matcher: { id: 'byName', options: 'lag' },
                    properties: [{ id: 'unit', value: 's' }, { id: 'custom.axisPlacement', value: 'left' }, { id: 'custom.fillOpacity', value: 20 }] },
                  { matcher: { id: 'byRegexp', options: '/timeout|open|rescued/' },
                    properties: [{ id: 'custom.axisPlacement', value: 'right' }] }],
    }),
    panel('timeseries', 'Delay in our own process', [
      { expr: quantile(0.95, 'quoll_queue_delay_seconds', 'le', JOB), legend: 'requests p95' },
      { expr: `max(quoll_queue_delay_max_seconds{${JOB}})`, legend: 'requests max' },
      { expr: quantile(0.95, 'quoll_local_delay_seconds', 'le', JOB), legend: 'answers p95' },
    ], { unit: 's', steps: [[null, 'green'], [0.1, 'orange']], about: 'Between arrival, by the kernel, and our reading: of requests (queueing) and of answers.' }),
    panel('timeseries', 'Upstream latency', [
      { expr: quantile(0.5, 'http_client_request_duration_seconds', 'le', ROUTE), legend: 'p50' },
      { expr: quantile(0.95, 'http_client_request_duration_seconds', 'le', ROUTE), legend: 'p95' },
    ], { unit: 's', steps: [[null, 'green'], [0.5, 'red']], about: 'From the request having left to its answer arriving, by the kernel: without our own delay.' }),
  ],
);

const process_ = dashboard(
  'quoll-process', 'Process and loops',
  'The process of the proxy: CPU, memory, stalls, event loops, connections.',
  [variable('job', 'Job', 'process_threads'), variable('circuit', 'Circuit', 'quoll_circuit_state')],
  [
    panel('timeseries', 'CPU', [{ expr: `rate(process_cpu_seconds_total{${JOB}}[$__rate_interval])`, legend: '{{job}}' }], {
      unit: 'percentunit', about: 'Share of one core, all threads.', steps: [[null, 'green'], [1, 'orange']],
    }),
    panel('timeseries', 'Kept from the CPU', [{ expr: `sum by (kind) (rate(quoll_stall_seconds_total{${JOB}}[$__rate_interval]))`, legend: '{{kind}}' }], {
      unit: 'percentunit', about: 'run_queue: waited for a core. throttled: the cgroup quota was used up. steal: the hypervisor took the core.',
      steps: [[null, 'green'], [0.1, 'orange']],
    }),
    panel('timeseries', 'Memory', [
      { expr: `process_resident_memory_bytes{${JOB}}`, legend: '{{job}} resident' },
    ], { unit: 'bytes', about: 'In RAM.' }),
    panel('timeseries', 'Event-loop lag by worker', [{ expr: `quoll_loop_lag_max_seconds{${JOB}}`, legend: 'worker {{worker}}' }], {
      unit: 's', about: 'The longest of the last 15 s.', steps: [[null, 'green'], [0.1, 'orange']],
    }),
    panel('heatmap', 'Event-loop lag, distribution', [{ expr: `sum by (le) (rate(quoll_loop_lag_seconds_bucket{${JOB}}[$__rate_interval]))`, legend: '{{le}}' }], {
      unit: 's', w: 12, about: 'Probes of the loops by how late they ran.',
      options: { calculate: false, yAxis: { unit: 's' }, color: { mode: 'scheme', scheme: 'Oranges', steps: 64 }, cellGap: 1 },
    }),
    panel('timeseries', 'Reads without the kernel\'s arrival time', [{ expr: 'job:quoll_reads_unstamped:ratio5m{job=~"$job"}', legend: '{{job}}' }], {
      unit: 'percentunit', max: 1, about: 'Without a stamp a verdict falls back to draining the socket first.', steps: [[null, 'green'], [0.05, 'orange']],
    }),
    panel('timeseries', 'Connections', [
      { expr: `quoll_client_connections{${JOB}}`, legend: 'clients' },
      { expr: `rate(quoll_client_connections_accepted_total{${JOB}}[$__rate_interval])`, legend: 'accepted per second' },
      { expr: `rate(quoll_client_connections_refused_total{${JOB}}[$__rate_interval])`, legend: 'refused per second' },
      { expr: `sum(rate(quoll_shed_total{${JOB}}[$__rate_interval]))`, legend: 'requests shed per second' },
      { expr: `rate(quoll_upstream_connects_total{${JOB}}[$__rate_interval])`, legend: 'upstream, opened per second' },
    ], { unit: 'short', about: 'Refused: at max_connections. Shed: by admission control.' }),
    panel('timeseries', 'Requests by status', [{ expr: `sum by (http_response_status_code) (rate(http_server_request_duration_seconds_count{${JOB}}[$__rate_interval]))`, legend: '{{http_response_status_code}}' }], {
      unit: 'reqps', about: 'Answers to clients; a fallback is a 200.',
    }),
    panel('timeseries', 'Descriptors and threads', [
      { expr: `process_open_fds{${JOB}}`, legend: '{{job}} descriptors' },
      { expr: `process_threads{${JOB}}`, legend: '{{job}} threads' },
    ], { unit: 'short', about: 'Descriptors grow with connections and with nothing else.' }),
    panel('timeseries', 'Body bytes', [
      { expr: `rate(quoll_request_body_bytes_total{${JOB}}[$__rate_interval])`, legend: 'from clients' },
      { expr: `rate(quoll_response_body_bytes_total{${JOB}}[$__rate_interval])`, legend: 'to clients' },
    ], { unit: 'Bps', about: 'Without heads.' }),
  ],
);

const here = dirname(fileURLToPath(import.meta.url));
let stale = 0;
for (const [name, made] of Object.entries({ 'circuit-breakers': circuits, 'process-and-loops': process_ })) {
  const file = join(here, 'dashboards', `${name}.json`);
  const text = `${JSON.stringify(made, null, 2)}\n`;
  if (process.argv.includes('--check')) {
    if (readFileSync(file, 'utf8') !== text) {
      console.error(`${file} is not what generate.mjs makes; run: node ops/grafana/generate.mjs`);
      stale = 1;
    }
  } else {
    writeFileSync(file, text);
  }
}
process.exitCode = stale;
