// The report of `quoll lab paradox`: what is shown of `data`, the run's result.

const page = document.getElementById("page");
const env = data.environment;
const words = (s) => s.replaceAll("_", "-");
const share = (v) => v === 0 ? "0 %" : v < 0.01 ? "<0.01 %" : v.toFixed(v < 1 ? 2 : 1) + " %";
const zero = (n) => n ? count(n) : "0";
const percentOf = (part, whole) => whole ? part / whole * 100 : 0;

function header() {
  const verdict = make("span", {class: "verdict " + (data.ok ? "pass" : "fail")}, data.ok ? "PASS" : "FAIL");
  page.append(make("h1", {}, "Quoll paradox report ", verdict));
  page.append(make("p", {class: "soft"}, `${env.started_at.replace("T", " ").slice(0, 19)} UTC, seed ${env.seed}, ` +
    `${env.cores} ${env.cores === 1 ? "core" : "cores"}`));
  page.append(make("p", {}, "Each caller met the same backend, the same load and the same pressure, one caller after " +
    "another. The backend noted, by the kernel's clock, when each call reached it and when its answer was handed over: " +
    "that is the truth which every timeout is held against. A false timeout is an answer in time that the caller " +
    `called late; a missed one is a late answer that it passed on as good. Answers within ${ms(data.guard_band_ms)} ` +
    "of the deadline are too close to call and not judged."));
  if (data.interrupted) page.append(make("p", {class: "fail"}, make("b", {}, "Interrupted"), " before the end."));
  page.append(results([...data.claims, ...data.problems.map((text) => ({pass: false, text}))]));
  page.append(table([
    {text: "over all of it", of: (t) => t.title}, {text: "calls", of: (t) => count(t.calls)},
    {text: "answered in time", of: (t) => count(t.in_time)}, {text: "called late", of: (t) => zero(t.false_timeouts)},
    {text: "share", of: (t) => share(percentOf(t.false_timeouts, t.in_time))},
    {text: "missed", of: (t) => zero(t.missed_timeouts)},
    {text: "false openings", of: (t) => t.breaker ? zero(t.false_opens) : "–"}], data.totals));
}

function groupTable(group) {
  const outage = group.backend === "outage";
  const cells = group.cells.filter((c) => !c.skipped);
  const late = (c, which) => c.summary.lateness.count ? ms(Math.max(0, c.summary.lateness[which])) : "–";
  const time = (v) => v === null ? "–" : ms(v);
  return table([
    {text: "caller", of: (c) => c.title}, {text: "calls", of: (c) => count(c.summary.calls)},
    {text: "false timeouts", of: (c) => zero(c.summary.false_timeouts)},
    {text: "share", of: (c) => share(c.summary.false_timeout_percent)},
    {text: "missed", of: (c) => zero(c.summary.missed_timeouts)},
    {text: "too close", of: (c) => zero(c.summary.too_close_to_call)},
    {text: "openings", of: (c) => c.breaker ? zero(c.summary.opens) : "–"},
    {text: "false ones", of: (c) => c.breaker ? zero(c.summary.false_opens) : "–"},
    ...(outage ? [{text: "opened after", of: (c) => time(c.summary.time_to_open_ms)},
      {text: "closed after", of: (c) => time(c.summary.time_to_close_ms)}] : []),
    ...(cells.some((c) => c.summary.lateness.count) ? [
      {text: "right timeouts", of: (c) => zero(c.summary.lateness.count)},
      {text: "late p50", of: (c) => late(c, "p50_ms")}, {text: "late p99", of: (c) => late(c, "p99_ms")},
      {text: "late max", of: (c) => late(c, "max_ms")}] : []),
    {text: "good a second", of: (c) => count(Math.round(c.summary.goodput_per_s))},
    {text: "p99", of: (c) => ms(c.summary.latency.p99_ms)}], cells);
}

// The series that shows the caller's stalls: its loop's lag where it tells it, otherwise its wait for a CPU.
function lagOf(cell) {
  const highest = (rows) => Math.max(0, ...rows.map(([, v]) => v));
  const {loop_lag_ms: loop, cpu_wait_ms: wait} = cell.series;
  return highest(loop) >= highest(wait) ? {rows: loop, text: "loop lag"} : {rows: wait, text: "wait for a CPU"};
}

// Verdicts as ticks in a lane of their own above the lag: the more in a step, the longer the tick.
const laneLayer = (verdicts, column, lane, name, most) => (plot) => verdicts.filter((row) => row[column]).map((row) => {
  const height = 22, base = plot.top + 18 + (lane + 1) * (height + 4);
  const size = Math.max(4, height * Math.sqrt(row[column] / most));
  const tick = draw("rect", {x: plot.x(row[0] + 0.025) - 1, width: 2.4, y: base - size, height: size, fill: colour(name)});
  tick.append(draw("title", {}, `${row[column]} at ${row[0].toFixed(2)} s`));
  return tick;
});
const stallLayer = (stalls, end) => (plot) => stalls.filter(([from]) => from < end).map(([from, to]) =>
  draw("rect", {x: plot.x(from), y: plot.top, width: Math.max(1, plot.x(Math.min(to, end)) - plot.x(from)),
    height: plot.height, fill: colour("lag"), opacity: 0.22}));

function groupCharts(group) {
  const cells = group.cells.filter((c) => !c.skipped);
  const to = Math.max(1, ...cells.map((c) => c.length_s));
  const outage = cells.find((c) => c.series.outage)?.series.outage;
  const bands = outage ? [{from: 0, to: outage[0], text: "healthy"}, {from: outage[0], to: outage[1], text: "hangs"},
    {from: outage[1], to, text: "healthy"}] : [{from: 0, to, text: ""}];
  const charts = new TimeCharts({from: 0, to, bands});
  const top = Math.max(20, ...cells.flatMap((c) => lagOf(c).rows.map(([, v]) => v)));
  const most = Math.max(1, ...cells.flatMap((c) => c.series.verdicts.flatMap((row) => row.slice(1))));
  for (const cell of cells) {
    const lag = lagOf(cell);
    const {verdicts, stalls, changes} = cell.series;
    const near = (rows, t) => rows.find(([at]) => at >= t)?.[1];
    const within = (t, column) => zero(verdicts.filter((row) => Math.abs(row[0] + 0.025 - t) < 0.1)
      .reduce((sum, row) => sum + row[column], 0));
    page.append(charts.add({title: cell.title, note: cell.sentence, height: 190, high: top * 1.9,
      // The lanes have no scale; its marks stop where the lag does.
      format: (v) => v <= top ? ms(v) : "",
      layers: [stallLayer(stalls, to), barLayer([[0, 0], ...lag.rows], "lag"),
        laneLayer(verdicts, 1, 0, "error", most),
        laneLayer(verdicts, 2, 1, "timeout", most), laneLayer(verdicts, 3, 1, "lost", most),
        markLayer(changes.map((c) => ({t: c.t, colour: c.to,
          title: `${c.t.toFixed(2)} s: ${words(c.to)}${c.false ? ", without cause" : ""}`})))],
      legend: [{text: lag.text, colour: "lag", at: (t) => ms(near(lag.rows, t) ?? 0)},
        {text: "false timeouts", colour: "error", at: (t) => within(t, 1)},
        {text: "right timeouts", colour: "timeout", at: (t) => within(t, 2)},
        ...(cell.summary.missed_timeouts ? [{text: "missed", colour: "lost", at: (t) => within(t, 3)}] : []),
        ...(changes.length ? ["open", "half_open", "closed"].map((s) => ({text: "to " + words(s), colour: s})) : [])]}));
    if (cell.problem) page.append(results([{pass: false, text: cell.problem}]));
  }
  charts.redraw();
}

function groups() {
  for (const group of data.groups) {
    page.append(make("h2", {}, `${group.pressure_title[0].toUpperCase()}${group.pressure_title.slice(1)}`));
    const load = group.rate ? `${count(group.rate)} calls a second at random moments`
      : `${group.connections} connections that each wait for their answer before they ask again`;
    page.append(make("p", {class: "soft"}, `${group.backend_title}; ${load}.`));
    page.append(groupTable(group));
    page.append(...group.cells.filter((c) => c.skipped).map((c) => make("p", {class: "soft"}, c.sentence)));
    if (group.cells.some((c) => !c.skipped)) groupCharts(group);
  }
}

function ranOn() {
  const loads = data.groups.flatMap((g) => g.cells.map((c) => c.load_average ?? 0));
  const commands = new Map();
  for (const cell of data.groups.flatMap((g) => g.cells)) {
    if (cell.command && !commands.has(cell.title)) commands.set(cell.title, cell.command);
  }
  page.append(make("h2", {}, "What it ran on"), facts([
    ["machine", `${env.cores} ${env.cores === 1 ? "core" : "cores"}, ${env.cpu}, ` +
      `${(env.memory_bytes / 2 ** 30).toFixed(1)} GiB of memory; load average up to ${Math.max(0, ...loads).toFixed(1)}`],
    ["kernel", env.kernel], ["Quoll", `${env.version}, built with ${env.compiler}`],
    ["breakers", `open at ${data.breaker.threshold_percent} % of ${ms(data.breaker.window_ms)}, ` +
      `reset after ${ms(data.breaker.reset_ms)}`],
    ["repeat with", make("code", {}, `${env.command} --seed ${env.seed}`)],
    ...[...commands].map(([name, command]) => [name, make("code", {}, command)])]));
}

header();
groups();
ranOn();
