// The report of `quoll lab flood`: what is shown of `data`, the run's result.

const page = document.getElementById("page");
const env = data.environment;
const zero = (n) => n ? count(n) : "0";
const mode = (cell) => cell.controlled ? "controlled" : "uncontrolled";

function header() {
  const verdict = make("span", {class: "verdict " + (data.ok ? "pass" : "fail")}, data.ok ? "PASS" : "FAIL");
  page.append(make("h1", {}, "Quoll flood report ", verdict));
  page.append(make("p", {class: "soft"}, `${env.started_at.replace("T", " ").slice(0, 19)} UTC, seed ${data.seed}, ` +
    `${env.cores} ${env.cores === 1 ? "core" : "cores"}`));
  page.append(make("p", {}, "More calls come than can be served, whatever becomes of them. A good answer is one of the " +
    `backend's that its client got within ${ms(data.deadline_ms)} of when the call was due; goodput leaves the first 2 s out. Without control everything ` +
    "is taken on and answered late; with control what cannot be served in time is refused at once."));
  if (data.interrupted) page.append(make("p", {class: "fail"}, make("b", {}, "Interrupted"), " before the end."));
  page.append(results([...data.claims, ...data.problems.map((text) => ({pass: false, text}))]));
}

function charts(group) {
  const to = Math.max(...group.cells.map((c) => c.length_s));
  const all = new TimeCharts({from: 0, to, bands: [{from: 0, to, text: ""}]});
  const high = 1.1 * Math.max(group.capacity_per_s, ...group.cells.flatMap((c) => c.goodput_series_per_s));
  const rows = (cell) => cell.goodput_series_per_s.map((v, i) => [(i + 0.5) / 2, v]).filter(([t]) => t <= to);
  const near = (points, t) => points.findLast(([at]) => at <= t + 0.25)?.[1] ?? 0;
  for (const factor of new Set(group.cells.map((c) => c.factor))) {
    const pair = group.cells.filter((c) => c.factor === factor);
    const lines = pair.map((cell) => ({cell, points: rows(cell), name: cell.controlled ? "answered" : "error"}));
    page.append(all.add({title: `Good answers a second at ${factor} times the capacity`, height: 170, high,
      format: (v) => count(Math.round(v)),
      note: lines.map(({cell}) => `${mode(cell)}: ${count(cell.goodput_per_s)} a second`).join("; ") + ".",
      layers: [limitLayer(group.capacity_per_s, "capacity"),
        ...lines.map(({points, name}) => lineLayer(points, name, {width: 2}))],
      legend: lines.map(({cell, points, name}) => ({text: mode(cell), colour: name,
        at: (t) => count(Math.round(near(points, t)))}))}));
  }
  all.redraw();
}

header();
for (const group of data.groups) {
  page.append(make("h2", {}, group.title[0].toUpperCase() + group.title.slice(1)));
  if (group.skipped) page.append(make("p", {class: "soft"}, `Skipped: ${group.skipped}`));
  if (!group.cells.length) continue;
  page.append(make("p", {class: "soft"}, `Capacity: ${count(group.capacity_per_s)} answers a second, measured in a ` +
    "closed loop without control."));
  page.append(table([
    {text: "load", of: (c) => `${c.factor}x, ${mode(c)}`}, {text: "calls/s", of: (c) => count(c.rate_per_s)},
    {text: "good/s", of: (c) => zero(c.goodput_per_s)}, {text: "late", of: (c) => zero(c.answered_late)},
    {text: "refused", of: (c) => zero(c.refused)}, {text: "timeouts", of: (c) => zero(c.timeouts)},
    {text: "lost", of: (c) => zero(c.lost)}, {text: "p50", of: (c) => ms(c.p50_ms)},
    {text: "p99", of: (c) => ms(c.p99_ms)},
    {text: "refused after", of: (c) => c.refused ? ms(c.refused_p50_ms) : "–"},
    {text: "queue delay", of: (c) => ms(c.queue_delay_mean_ms)},
    ...whereAny(group.cells, {text: "openings", of: (c) => zero(c.openings)}),
    {text: "peak memory", of: (c) => `${(c.peak_memory_bytes / 1e6).toFixed(1)} MB`}], group.cells));
  charts(group);
}
page.append(make("h2", {}, "What it ran on"));
page.append(facts([["command", make("code", {}, data.command)], ["version", env.version], ["compiler", env.compiler],
  ["kernel", env.kernel], ["CPU", env.cpu], ["quota", `${data.quota_percent} % of a CPU, where the proxy is short of it`],
  ...data.groups.flatMap((g) => g.cells.slice(0, 2).map((c) => [`${g.bottleneck}, ${mode(c)}`,
    make("code", {}, c.command)]))]));
