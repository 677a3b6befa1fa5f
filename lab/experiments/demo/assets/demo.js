// The report of `quoll lab`: what is shown of `data`, the run's result.

const page = document.getElementById("page");
const env = data.environment;
const {ticks: rawTicks, samples, changes, marks} = data.series;
const stateWords = (s) => s.replaceAll("_", "-");
const stateBadge = (s) => {
  const badge = make("span", {class: "state " + s}, stateWords(s));
  badge.style.background = colour(s);
  return badge;
};
const load = env.rate ? `${count(env.rate)} calls a second` : `${env.connections} callers in a closed loop`;
const end = Math.max(1, ...data.phases.map((p) => p.end_s), ...samples.map((s) => s.t));

// The last tick of a phase may cover a few milliseconds; as a rate that would say nothing, so it joins the one before.
const outcomes = ["answered", "open", "timeout", "error", "lost"];
const outcomeColours = ["answered", "fast", "timeout", "error", "lost"];
const ticks = [];
for (const tick of rawTicks) {
  const row = {from: tick.t - tick.length_s, t: tick.t, p50: tick.p50_ms, p95: tick.p95_ms, p99: tick.p99_ms,
    max: tick.max_ms, requests: tick.requests,
    counts: outcomes.map((o) => o === "answered" ? tick.answered : o === "lost" ? tick.lost : tick.fallback[o] ?? 0)};
  const before = ticks.at(-1);
  if (tick.length_s < 0.35 && before && Math.abs(row.from - before.t) < 0.1) {
    before.t = row.t;
    before.max = Math.max(before.max, row.max);
    before.requests += row.requests;
    before.counts = before.counts.map((c, i) => c + row.counts[i]);
  } else {
    ticks.push(row);
  }
}
for (const tick of ticks) tick.rates = tick.counts.map((c) => c / Math.max(0.001, tick.t - tick.from));
// The tick that covers a time.
const tickAt = (time) => ticks.find((tick) => tick.from <= time && time <= tick.t);

// The state, from one change to the next.
const states = [];
{
  let state = changes.length ? changes[0].from : samples[0]?.state ?? "closed";
  let since = 0;
  for (const change of [...changes, {t: end, to: null}]) {
    states.push({from: since, to: change.t, t: since, colour: state, state,
      title: `${stateWords(state)}, ${since.toFixed(1)} s to ${change.t.toFixed(1)} s`});
    state = change.to;
    since = change.t;
  }
}

function header() {
  const sum = (f) => data.phases.reduce((total, phase) => total + f(phase), 0);
  const requests = sum((p) => p.requests), opens = sum((p) => p.opens);
  const rescued = sum((p) => p.attempts.rescued ?? 0);
  const pressure = data.phases.find((p) => p.name === "pressure" && p.complete);
  const verdict = make("span", {class: "verdict " + (data.ok ? "pass" : "fail")}, data.ok ? "PASS" : "FAIL");
  page.append(make("h1", {}, "Quoll lab report ", verdict));
  page.append(make("p", {class: "soft"}, `${env.started_at.replace("T", " ").slice(0, 19)} UTC, ` +
    `${Math.round(end)} s, ${load}, verdict by ${env.verdict}`));
  let text = `${count(requests)} requests went through the circuit breaker, which opened ${opens} times. `;
  const agree = data.cross_check.length > 0 && data.cross_check.every((c) => c.pass);
  text += agree ? "What it counted and what the callers saw agree to the request. "
    : "What it counted and what the callers saw do not agree: see the cross-check. ";
  if (pressure) {
    text += `While our own event loops were blocked for up to ${ms(pressure.max_loop_lag_ms)}, it opened ` +
      `${pressure.opens === 0 ? "not once" : pressure.opens + " times"} on the healthy backend and called ` +
      `${count(pressure.circuit_events.timeout ?? 0)} answers late`;
    text += rescued ? `; ${count(rescued)} answers in time would have been called late by a timer.` : ".";
  }
  page.append(make("p", {}, text));
  if (data.interrupted) page.append(make("p", {class: "fail"}, make("b", {}, "Interrupted"), " before the end."));
  if (data.problems.length) page.append(results(data.problems.map((p) => ({pass: false, text: p}))));
}

function charts() {
  const bands = data.phases.map((p) => ({from: p.start_s, to: p.end_s, text: p.name}));
  const all = new TimeCharts({from: 0, to: end, bands});
  const highest = (values, least) => Math.max(least, ...values);
  page.append(make("h2", {}, "What happened"));
  page.append(all.add({title: "State of the circuit", height: 74, layers: [intervalLayer(states)],
    legend: ["closed", "half_open", "open"].map((s) => ({text: stateWords(s), colour: s,
      at: (t) => lastAt(states, t)?.state === s ? "now" : ""})), format: () => ""}));

  const rows = ticks.map((tick) => ({from: tick.from, to: tick.t, values: tick.rates}));
  const total = (row) => row.values.reduce((a, b) => a + b, 0);
  page.append(all.add({title: "Requests a second, by what the caller got",
    note: env.rate ? "Calls come at random moments, independent of how the calls before them fared."
      : "Callers wait for their answer before they ask again, so they ask more often when an open circuit answers at once.",
    height: 190, layers: [stackLayer(rows, outcomeColours)], high: highest(rows.map(total), 1) * 1.08, format: count,
    legend: ["answered by the backend", "fallback: open", "fallback: timeout", "fallback: error", "no answer"].map(
      (text, i) => ({text, colour: outcomeColours[i], at: (t) => {
        const tick = tickAt(t);
        return tick ? Math.round(tick.rates[i]) + "/s" : "";
      }}))}));

  const answered = ticks.filter((tick) => tick.requests > 0);
  const middle = (tick) => (tick.from + tick.t) / 2;
  const top = highest(answered.map((tick) => tick.max), 1000) * 1.3;
  const bottom = 10 ** Math.floor(Math.log10(Math.min(1, ...answered.map((tick) => Math.max(tick.p50, 0.01)))));
  const percentiles = ["max", "p99", "p95", "p50"];
  page.append(all.add({title: "Latency as the callers saw it, per second",
    note: "The scale is logarithmic. While the circuit is open, callers get the fallback without waiting.",
    height: 210, scale: "log", low: bottom, high: top, format: ms,
    layers: [limitLayer(500, "timeout 500 ms"), ...percentiles.map((p) => lineLayer(answered.map((tick) => [middle(tick), tick[p]]), p,
      {gap: 2.5, width: p === "p50" ? 2.2 : 1.5}))],
    legend: percentiles.toReversed().map((p) => ({text: p, colour: p, at: (t) => {
      const tick = tickAt(t);
      return tick && tick.requests ? ms(tick[p]) : "";
    }}))}));

  const lagTop = highest(samples.map((s) => s.lag_ms), 10) * 1.1;
  const pressed = data.phases.find((p) => p.name === "pressure");
  const inPressure = pressed ? changes.filter((c) => c.t >= pressed.start_s && c.t < pressed.end_s) : [];
  const opened = inPressure.filter((c) => c.to === "open").length;
  page.append(all.add({title: "Loop lag against circuit events",
    note: "Purple: how long the proxy's event loops were late, by their own stalls. Marks: each change of the circuit's " +
      "state. " + (!pressed ? "" : opened === 0 ? "The stalls of the pressure phase opened nothing."
        : `The circuit opened ${opened} times while the loops were blocked and the backend was healthy.`),
    height: 190, high: lagTop, format: ms,
    layers: [barLayer(samples.map((s) => [s.t, s.lag_ms]), "lag"),
      markLayer(changes.map((c) => ({t: c.t, colour: c.to, title: `${c.t.toFixed(1)} s: ${c.text}`})))],
    legend: [{text: "loop lag", colour: "lag", at: (t) => ms(samples.find((s) => s.t >= t)?.lag_ms ?? 0)},
      ...["open", "half_open", "closed"].map((s) => ({text: "to " + stateWords(s), colour: s}))]}));

  page.append(all.add({title: "Failures in the window", note: "What the breaker decides by: it opens at 50 %.",
    height: 140, high: 100, format: (v) => v + " %",
    layers: [limitLayer(50, "threshold 50 %"), lineLayer(samples.map((s) => [s.t, s.failure_percent]), "error")],
    legend: [{text: "failed calls", colour: "error", at: (t) => (lastAt(samples, t)?.failure_percent ?? 0) + " %"},
      {text: "calls in the window", colour: "fast", at: (t) => count(lastAt(samples, t)?.window_total ?? 0)}]}));
  all.redraw();
}

function phases() {
  page.append(make("h2", {}, "Phase by phase"));
  const complete = data.phases.filter((p) => p.complete);
  const number = (n) => n ? count(n) : "0";
  page.append(make("h3", {}, "What the callers saw"),
    make("p", {class: "soft"}, "Open, timeout and error are fallback answers, by their reason."), table([
    {text: "phase", of: (p) => p.name}, {text: "requests", of: (p) => count(p.requests)},
    {text: "a second", of: (p) => count(Math.round(p.rps))}, {text: "answered", of: (p) => number(p.answered)},
    {text: "open", of: (p) => number(p.fallback.open)},
    {text: "timeout", of: (p) => number(p.fallback.timeout)},
    {text: "error", of: (p) => number(p.fallback.error)}, {text: "no answer", of: (p) => number(p.lost)},
    {text: "p50", of: (p) => ms(p.p50_ms)}, {text: "p95", of: (p) => ms(p.p95_ms)},
    {text: "p99", of: (p) => ms(p.p99_ms)}, {text: "max", of: (p) => ms(p.max_ms)}], complete));
  const held = (p, state) => p.time_in_state_s[state] ? p.time_in_state_s[state].toFixed(2) + " s" : "–";
  page.append(make("h3", {}, "What the circuit did"), table([
    {text: "phase", of: (p) => p.name}, {text: "closed", of: (p) => held(p, "closed")},
    {text: "half-open", of: (p) => held(p, "half_open")}, {text: "open", of: (p) => held(p, "open")},
    {text: "opened", of: (p) => number(p.opens)}, {text: "closed again", of: (p) => number(p.closes)},
    {text: "rescued answers", of: (p) => number(p.attempts.rescued)},
    {text: "longest loop lag", of: (p) => ms(p.max_loop_lag_ms)}], complete));
  for (const phase of data.phases) {
    page.append(make("h3", {}, `${phase.name}, ${clock(phase.start_s)} to ${clock(phase.end_s)}`),
      make("p", {class: "soft"}, phase.sentence));
    const done = marks.filter((m) => m.t >= phase.start_s && m.t < phase.end_s);
    if (done.length) page.append(make("p", {}, done.map((m) => `At ${clock(m.t)} ${m.text}.`).join(" ")));
    page.append(results(phase.findings));
  }
}

function crossCheck() {
  page.append(make("h2", {}, "Cross-check, to the request"),
    make("p", {class: "soft"}, "What quoll_circuit_events_total counted over the run, and what the load generator saw. " +
      "Each phase was also compared by itself."));
  page.append(table([{text: "claim", of: (c) => c.claim}, {text: "circuit", of: (c) => count(c.circuit)},
    {text: "callers", of: (c) => count(c.load)},
    {text: "result", of: (c) => {
      const word = make("b", {}, c.pass ? "PASS" : "FAIL");
      word.style.color = colour(c.pass ? "good" : "bad");
      return word;
    }}, {text: "", kind: "text", of: (c) => c.note}], data.cross_check));
  const wrong = data.phases.flatMap((p) => p.checks.filter((c) => !c.pass).map((c) => ({pass: false,
    text: `${p.name}: ${c.claim}: ${count(c.circuit)} against ${count(c.load)}: ${c.note}`})));
  const complete = data.phases.filter((p) => p.complete);
  const agreeing = complete.filter((p) => p.checks.every((c) => c.pass)).length;
  page.append(results([...wrong, {pass: agreeing === complete.length,
    text: `${agreeing} of ${complete.length} phases agree by themselves`}]));
}

function journal() {
  page.append(make("h2", {}, "The circuit's journal"));
  if (!changes.length) return page.append(make("p", {}, "The state never changed."));
  page.append(make("ol", {class: "journal"}, ...changes.map((c) =>
    make("li", {}, make("time", {}, c.t.toFixed(2) + " s"), stateBadge(c.to), make("span", {}, c.text)))));
}

function ranOn() {
  page.append(make("h2", {}, "What it ran on"), facts([
    ["machine", `${env.cores} ${env.cores === 1 ? "core" : "cores"}, ${env.cpu}, ` +
      `${(env.memory_bytes / 2 ** 30).toFixed(1)} GiB of memory`],
    ["kernel", env.kernel], ["Quoll", `${env.version}, built with ${env.compiler}`],
    ["breaker", env.breaker], ["seed", String(env.seed)],
    ["repeat with", make("code", {}, `quoll lab${env.quick ? " --quick" : ""} --rate ${env.rate} ` +
      `--connections ${env.connections} --verdict ${env.verdict} --seed ${env.seed}`)],
    ...env.parts.map((part) => [part.name, make("code", {}, part.command)])]));
}

header();
charts();
phases();
crossCheck();
journal();
ranOn();
