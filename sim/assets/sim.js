// The report of `quoll sim`: what is shown of `data`, the result of one scenario.

const page = document.getElementById("page");
const end = data.phases.at(-1).to_s;
const words = (s) => s.replaceAll("_", "-");
const shown = {
  count: (v) => count(v), per_second: (v) => Math.round(v) + "/s", percent: (v) => v.toFixed(1) + " %", ms,
  s: (v) => v.toFixed(1) + " s", times: (v) => v.toFixed(2),
};

page.append(make("h1", {}, `Quoll sim: ${data.scenario}`));
page.append(make("p", {class: "soft"}, `${data.about}; seed ${data.seed}, ${count(data.events)} events, hash ${data.hash}`));
for (const sentence of data.sentences) page.append(make("p", {}, sentence));
page.append(table([{text: "set-up", of: (s) => s.name},
  ...data.columns.map(({key, title, unit}) => ({text: title,
    of: (s) => s.figures[key] === null ? "–" : s.figures[key] === 0 ? "0" : shown[unit](s.figures[key])}))],
  data.setups.map(({name, figures}) => ({name, figures}))));

// The buckets of a set-up as rates.
const ends = ["good", "failed", "gave_up", "refused"];
const colours = ["answered", "error", "timeout", "fast"];
function rowsOf(setup) {
  const s = setup.series;
  return s.from_s.map((from, i) => {
    const to = s.from_s[i + 1] ?? end;
    const rates = ends.map((name) => s[name][i] / Math.max(0.001, to - from));
    return {t: from, from, to, values: rates, p50: s.p50_ms[i], p99: s.p99_ms[i], inProcess: s.in_process[i],
      inBackend: s.in_backend[i], timeout: s.timeout_ms[i], limit: s.limit[i], share: s.share[i]};
  });
}
const lines = (rows, of) => rows.filter((r) => of(r) !== null).map((r) => [(r.from + r.to) / 2, of(r)]);

// The breaker's state from change to change; null when there are several.
function statesOf(setup) {
  if (!setup.policies.breaker || setup.states.some((s) => s.endpoint >= 0)) return null;
  const spans = [];
  let state = "closed", since = 0, why = "";
  for (const change of [...setup.states, {t: end, to: null, text: ""}]) {
    const to = Math.min(end, change.t);
    if (to >= since) {
      spans.push({from: since, to, t: since, colour: state, state,
        title: `${words(state)}, ${since.toFixed(1)} s to ${to.toFixed(1)} s. ${why}`});
    }
    [state, since, why] = [change.to, to, change.text];
  }
  return spans;
}

const all = data.setups.map((setup) => ({setup, rows: rowsOf(setup)}));
const highest = (of, least) => Math.max(least, ...all.flatMap(({rows}) => rows.map(of)));
const rateTop = highest((r) => r.values[0], 1) * 1.1;
const goodTop = Math.min(highest((r) => r.values.reduce((a, b) => a + b, 0), 1), rateTop * 3);
const latencyTop = highest((r) => r.p99 ?? 0, 1);
const bands = data.phases.map((p) => ({from: p.from_s, to: p.to_s, text: p.name}));
const charts = new TimeCharts({from: 0, to: end, bands});

const palette = ["p50", "max", "p95", "lag", "p99", "lost"];
page.append(make("h2", {}, "Goodput"));
page.append(charts.add({title: "Good answers a second, while their clients still waited", height: 220, high: rateTop,
  format: (v) => count(Math.round(v)),
  layers: all.map(({rows}, i) => lineLayer(lines(rows, (r) => r.values[0]), palette[i % palette.length])),
  legend: all.map(({setup, rows}, i) => ({text: setup.name, colour: palette[i % palette.length],
    at: (t) => Math.round(lastAt(rows, t)?.values[0] ?? 0) + "/s"}))}));

for (const {setup, rows} of all) {
  page.append(make("h2", {}, setup.name));
  page.append(make("p", {class: "soft"}, setup.note + "."));
  const states = statesOf(setup);
  if (states) {
    page.append(charts.add({title: "State of the breaker", height: 66, layers: [intervalLayer(states)], high: 0,
      legend: ["closed", "half_open", "open"].map((s) => ({text: words(s), colour: s,
        at: (t) => lastAt(states, t)?.state === s ? "now" : ""}))}));
  }
  const cut = rows.some((r) => r.values.reduce((a, b) => a + b, 0) > goodTop);
  page.append(charts.add({title: "How requests ended, a second", height: 150, high: goodTop,
    ...(cut ? {note: "Columns higher than the chart are cut; the cursor gives the figures."} : {}),
    format: (v) => count(Math.round(v)),
    layers: [stackLayer(rows.map((r) => ({...r, values: clip(r.values, goodTop)})), colours),
      ...(setup.ejections.length ? [markLayer(setup.ejections.map((e) => ({t: e.t, colour: "lost", title: e.text})))] : [])],
    legend: [...["good", "failed", "client gave up", "refused"].map((text, i) => ({text, colour: colours[i],
      at: (t) => Math.round(lastAt(rows, t)?.values[i] ?? 0) + "/s"})),
      ...(setup.ejections.length ? [{text: "ejection", colour: "lost"}] : [])]}));
  const p = setup.policies;
  page.append(charts.add({title: "Latency of good answers" + (p.adaptive ? ", and the timeout in force" : ""), height: 140,
    high: Math.max(latencyTop, p.adaptive ? Math.max(...rows.map((r) => r.timeout)) : 0) * 1.1, format: ms,
    layers: [lineLayer(lines(rows, (r) => r.p50), "p50", {gap: gapOf(rows)}),
      lineLayer(lines(rows, (r) => r.p99), "p99", {gap: gapOf(rows)}),
      ...(p.adaptive ? [lineLayer(lines(rows, (r) => r.timeout), "lag")] : [])],
    legend: [{text: "p50", colour: "p50", at: (t) => ms(lastAt(rows, t)?.p50 ?? 0)},
      {text: "p99", colour: "p99", at: (t) => ms(lastAt(rows, t)?.p99 ?? 0)},
      ...(p.adaptive ? [{text: "timeout", colour: "lag", at: (t) => ms(lastAt(rows, t)?.timeout ?? 0)}] : [])]}));
  const held = Math.max(1, ...rows.map((r) => Math.max(r.inProcess, r.inBackend, r.limit)));
  page.append(charts.add({title: "Under way" + (p.limit ? ", and the limit" : ""), height: 130, high: held * 1.1,
    format: (v) => count(Math.round(v)),
    layers: [lineLayer(lines(rows, (r) => r.inProcess), "p50"), lineLayer(lines(rows, (r) => r.inBackend), "p95"),
      ...(p.limit ? [lineLayer(lines(rows, (r) => r.limit), "lag")] : [])],
    legend: [{text: "held by this process", colour: "p50", at: (t) => count(lastAt(rows, t)?.inProcess ?? 0)},
      {text: "queued and served by the backend", colour: "p95", at: (t) => count(lastAt(rows, t)?.inBackend ?? 0)},
      ...(p.limit ? [{text: "limit", colour: "lag", at: (t) => count(lastAt(rows, t)?.limit ?? 0)}] : [])]}));
  if (setup.states.length) {
    const few = setup.states.slice(0, 8);
    page.append(make("ol", {class: "journal"}, ...few.map((s) => {
      const badge = make("span", {class: "state " + s.to}, words(s.to));
      badge.style.background = colour(s.to);
      return make("li", {}, make("time", {}, s.t.toFixed(2) + " s"), badge,
        make("span", {}, (s.endpoint >= 0 ? `endpoint ${s.endpoint}: ` : "") + s.text));
    })));
    if (setup.states.length > few.length) {
      page.append(make("p", {class: "soft"}, `and ${count(setup.states.length - few.length)} more changes`));
    }
  }
}
charts.redraw();

page.append(make("h2", {}, "The model"), facts([
  ["repeat with", make("code", {}, ["quoll sim", data.scenario, "--seed", data.seed,
    ...data.settings.map((s) => "--set " + s)].join(" "))]]));
page.append(make("details", {}, make("summary", {}, "Every setting"),
  facts(Object.entries(data.config).map(([key, value]) => [key, make("code", {}, value)]))));

// A stack that would leave the chart is cut at its top; the legend has the figures.
function clip(values, most) {
  let room = most;
  return values.map((v) => {
    const part = Math.min(v, room);
    room -= part;
    return part;
  });
}
function gapOf(rows) {
  return Math.max(...rows.map((r) => r.to - r.from)) * 1.5;
}
