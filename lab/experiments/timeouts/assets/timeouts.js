// The report of `quoll lab timeouts`: what is shown of `data`, the run's result.

const page = document.getElementById("page");
const env = data.environment;
const zero = (n) => n ? count(n) : "0";
const after = (v) => v === null ? "never" : ms(v);
const kind = (cell) => cell.timeout === "fixed" ? `fixed ${ms(data.fixed_ms)}` : "adaptive";

function header() {
  const verdict = make("span", {class: "verdict " + (data.ok ? "pass" : "fail")}, data.ok ? "PASS" : "FAIL");
  page.append(make("h1", {}, "Quoll timeouts report ", verdict));
  page.append(make("p", {class: "soft"}, `${env.started_at.replace("T", " ").slice(0, 19)} UTC, seed ${data.seed}, ` +
    `${env.cores} ${env.cores === 1 ? "core" : "cores"}`));
  page.append(make("p", {}, "The same backend, the same load and the same seed, once with a fixed timeout and once " +
    "with one that is learned from the answers' arrival. Before the hang the backend answers everything, so each " +
    "timeout there cut off an answer that would have come; once it hangs, a timeout is how long every caller is held."));
  if (data.interrupted) page.append(make("p", {class: "fail"}, make("b", {}, "Interrupted"), " before the end."));
  page.append(results([...data.claims, ...data.problems.map((text) => ({pass: false, text}))]));
}

function scenario(one) {
  page.append(make("h2", {}, one.title[0].toUpperCase() + one.title.slice(1)));
  page.append(table([
    {text: "timeout", of: kind}, {text: "answers cut off", of: (c) => zero(c.cut_off)},
    ...whereAny(one.cells, {text: "openings before the hang", of: (c) => zero(c.openings_before_the_hang)}),
    {text: "hang noticed after", of: (c) => after(c.noticed_after_ms)},
    {text: "circuit open after", of: (c) => after(c.opened_after_ms)},
    {text: "good a second", of: (c) => count(Math.round(c.goodput_per_s))}], one.cells));
  if (!one.cells.length) return;
  const phases = one.cells[0].phases;
  const to = phases.at(-1).to_s;
  const charts = new TimeCharts({from: 0, to,
    bands: phases.map((p) => ({from: p.from_s, to: p.to_s, text: p.name}))});
  const series = one.cells.flatMap((c) => [c.series.timeout_ms, c.series.p99_ms]);
  const high = 1.1 * Math.max(100, data.fixed_ms, ...series.flatMap((rows) => rows.map(([, v]) => v)));
  for (const cell of one.cells) {
    const [limit, p99] = [cell.series.timeout_ms, cell.series.p99_ms].map((rows) => rows.filter(([t]) => t < to));
    // The p99 of the step that begins at t. None of its answers came of the hang.
    const hang = phases.at(-1).from_s;
    const bars = p99.map(([t, v]) => ({from: t, to: Math.min(hang, t + data.latency_step_s), values: [v]}));
    const near = (rows, t) => rows.findLast(([at]) => at <= t)?.[1];
    page.append(charts.add({title: kind(cell), height: 190, high, format: ms,
      note: `Cut off ${zero(cell.cut_off)} answers; the hang was noticed after ${after(cell.noticed_after_ms)}.`,
      layers: [stackLayer(bars, ["fast"]), lineLayer(limit, "timeout", {width: 2})],
      legend: [{text: "timeout in force", colour: "timeout", at: (t) => ms(near(limit, t) ?? 0)},
        {text: "p99 of the answers", colour: "fast", at: (t) => ms(near(p99, t) ?? 0)}]}));
  }
  charts.redraw();
  page.append(table([
    {text: "phase", of: ([c, p]) => `${kind(c)}: ${p.name}`}, {text: "calls", of: ([, p]) => count(p.calls)},
    {text: "good", of: ([, p]) => zero(p.good)}, {text: "timeouts", of: ([, p]) => zero(p.timeouts)},
    {text: "refused", of: ([, p]) => zero(p.refused)}, {text: "p50", of: ([, p]) => ms(p.p50_ms)},
    {text: "p99", of: ([, p]) => ms(p.p99_ms)},
    {text: "held p50", of: ([, p]) => p.timeouts ? ms(p.held_p50_ms) : "–"},
    {text: "held p99", of: ([, p]) => p.timeouts ? ms(p.held_p99_ms) : "–"}],
  one.cells.flatMap((c) => c.phases.map((p) => [c, p]))));
}

header();
for (const one of data.scenarios) scenario(one);
page.append(make("h2", {}, "What it ran on"));
page.append(facts([["command", make("code", {}, data.command)], ["version", env.version], ["compiler", env.compiler],
  ["kernel", env.kernel], ["CPU", env.cpu], ["load", `${count(data.rate)} calls a second at random moments`],
  ...data.scenarios.flatMap((s) => s.cells.map((c) => [`${s.name}, ${c.timeout}`, make("code", {}, c.command)]))]));
