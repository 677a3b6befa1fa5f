// Charts that share one time axis: every chart shows the same seconds, and a cursor in one is a cursor in all.
//
//   const charts = new TimeCharts({from: 0, to: 90, bands: [{from, to, text}]});
//   section.append(charts.add({title, note, height, layers: [...], legend: [...], scale: "linear" | "log", unit}));
//
// A layer is a function (plot) that returns SVG elements; plot.x and plot.y turn seconds and values into pixels. A
// legend entry is {text, colour, at: (t) => string}, where `at` gives the value under the cursor.

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const draw = (tag, attributes = {}, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const colour = (name) => `var(--${name})`;

// Numbers for people.
const count = (n) => Number(n).toLocaleString("en");
const ms = (v) => v >= 1000 ? (v / 1000).toPrecision(3) + " s" : v >= 1 ? Number(v.toPrecision(3)) + " ms"
  : v > 0 ? Math.round(v * 1000) + " µs" : "0";
const clock = (t) => `${Math.floor(t / 60)}:${String(Math.floor(t % 60)).padStart(2, "0")}`;

// 1, 2 or 5 times a power of ten, at least `least`.
const roundStep = (least) => {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((f) => f * power).find((s) => s >= least * 0.999);
};

// The last of `rows` (sorted by t) with t <= time, or nothing.
const lastAt = (rows, time) => {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].t <= time) low = middle + 1; else high = middle;
  }
  return rows[low - 1];
};

class TimeCharts {
  constructor({from, to, bands}) {
    Object.assign(this, {from, to, bands, all: [], cursor: null});
    new ResizeObserver(() => this.redraw()).observe(document.body);
  }

  add(spec) {
    const svg = draw("svg", {tabindex: 0, role: "img", "aria-label": `${spec.title}. ${spec.note ?? ""}`});
    const legend = make("div", {class: "legend"});
    const outputs = (spec.legend ?? []).map((entry) => {
      const swatch = make("i");
      swatch.style.background = colour(entry.colour);
      const output = make("output");
      legend.append(make("span", {}, swatch, entry.text, output));
      return [entry, output];
    });
    const node = make("figure", {class: "chart"});
    node.style.marginInline = 0;
    node.append(make("h3", {}, spec.title));
    if (spec.note) node.append(make("p", {class: "soft"}, spec.note));
    node.append(legend, svg);
    const chart = {spec, svg, outputs};
    this.all.push(chart);
    const show_values = (event) => {
      const box = svg.getBoundingClientRect();
      this.point(this.time(chart, event.clientX - box.left));
    };
    svg.addEventListener("pointermove", show_values);
    svg.addEventListener("pointerdown", show_values);
    svg.addEventListener("pointerleave", () => this.point(null));
    svg.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (event.key === "Escape") this.point(null);
      if (!step) return;
      event.preventDefault();
      const now = this.cursor ?? (step > 0 ? this.from : this.to);
      this.point(Math.min(this.to, Math.max(this.from, now + step * (event.shiftKey ? 5 : 0.5))));
    });
    return node;
  }

  time(chart, x) {
    const {left, width} = chart.plot;
    return Math.min(this.to, Math.max(this.from, this.from + (x - left) / width * (this.to - this.from)));
  }

  point(time) {
    this.cursor = time;
    for (const chart of this.all) {
      chart.hair?.remove();
      for (const [entry, output] of chart.outputs) output.textContent = time === null ? "" : entry.at?.(time) ?? "";
      if (time === null || !chart.plot) continue;
      const {plot} = chart;
      chart.hair = draw("g", {"pointer-events": "none"});
      const x = plot.x(time);
      chart.hair.append(draw("line", {x1: x, x2: x, y1: plot.top, y2: plot.top + plot.height, stroke: colour("ink"),
        "stroke-dasharray": "3 3"}));
      const right = x > plot.left + plot.width - 50;
      chart.hair.append(draw("text", {x: x + (right ? -4 : 4), y: plot.top + 11,
        "text-anchor": right ? "end" : "start"}, time.toFixed(1) + " s"));
      chart.svg.append(chart.hair);
    }
  }

  redraw() {
    for (const chart of this.all) this.drawOne(chart);
    this.point(this.cursor);
  }

  drawOne(chart) {
    const {spec, svg} = chart;
    const outer = svg.clientWidth || 600;
    if (outer === chart.width) return;
    chart.width = outer;
    const height = spec.height ?? 170;
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${outer} ${height}`);
    const plot = {left: 52, top: 20, width: outer - 52 - 12, height: height - 20 - 22};
    chart.plot = plot;
    plot.x = (t) => plot.left + (t - this.from) / (this.to - this.from) * plot.width;
    this.setScale(plot, spec);
    svg.replaceChildren();
    this.drawBands(svg, plot);
    this.drawAxes(svg, plot, spec);
    for (const layer of spec.layers) svg.append(...layer(plot).flat());
  }

  setScale(plot, spec) {
    const bottom = plot.top + plot.height;
    if (spec.scale === "log") {
      const low = Math.log10(spec.low), high = Math.log10(spec.high);
      plot.y = (v) => bottom - (Math.log10(Math.max(v, spec.low)) - low) / (high - low) * plot.height;
    } else {
      plot.y = (v) => bottom - v / (spec.high || 1) * plot.height;
    }
    plot.bottom = bottom;
  }

  drawBands(svg, plot) {
    this.bands.forEach((band, i) => {
      const x = plot.x(band.from), width = plot.x(band.to) - x;
      if (i % 2) {
        svg.append(draw("rect", {x, width, y: plot.top, height: plot.height, fill: colour("grid"), opacity: 0.6}));
      }
      svg.append(draw("line", {x1: x, x2: x, y1: 4, y2: plot.bottom, stroke: colour("rule")}));
      const fits = Math.floor((width - 4) / 6.6);
      const text = band.text.length <= fits ? band.text : fits >= 2 ? band.text.slice(0, fits - 1) + "…" : "";
      svg.append(draw("text", {class: "phase", x: x + 4, y: 14}, text));
    });
  }

  drawAxes(svg, plot, spec) {
    const values = [];
    if (spec.scale === "log") {
      for (let v = spec.low; v <= spec.high * 1.001; v *= 10) values.push(v);
    } else if (spec.high) {
      const step = roundStep(spec.high / 4);
      for (let v = 0; v <= spec.high * 1.001; v += step) values.push(v);
    }
    for (const v of values) {
      const y = plot.y(v);
      svg.append(draw("line", {x1: plot.left, x2: plot.left + plot.width, y1: y, y2: y, stroke: colour("grid")}));
      svg.append(draw("text", {x: plot.left - 6, y: y + 4, "text-anchor": "end"}, spec.format(v)));
    }
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300].find((s) => (this.to - this.from) / s <= plot.width / 60) ?? 600;
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      svg.append(draw("text", {x: plot.x(t), y: plot.bottom + 15, "text-anchor": "middle"}, clock(t)));
    }
  }
}

// Layers.

// Coloured intervals [{from, to, colour, title}] over the whole height.
const intervalLayer = (intervals) => (plot) => intervals.map((one) => {
  const x = plot.x(one.from);
  const rect = draw("rect", {x, y: plot.top, width: Math.max(1.5, plot.x(one.to) - x), height: plot.height,
    fill: colour(one.colour)});
  rect.append(draw("title", {}, one.title));
  return rect;
});

// A line through [t, v] pairs. Gaps longer than `gap` seconds stay open.
const lineLayer = (points, name, {gap = Infinity, width = 1.6} = {}) => (plot) => {
  let path = "", last = -Infinity;
  for (const [t, v] of points) {
    path += `${path && t - last <= gap ? "L" : "M"}${plot.x(t).toFixed(1)} ${plot.y(v).toFixed(1)}`;
    last = t;
  }
  return [draw("path", {d: path || "M0 0", fill: "none", stroke: colour(name), "stroke-width": width,
    "stroke-linejoin": "round"})];
};

// Columns stacked on each other: rows [{from, to, values}] in the order of `names`.
const stackLayer = (rows, names) => (plot) => rows.map((row) => {
  let sum = 0;
  const x = plot.x(row.from), width = Math.max(0.5, plot.x(row.to) - x + 0.3);
  return names.map((name, i) => {
    const low = plot.y(sum);
    sum += row.values[i];
    return draw("rect", {x, width, y: plot.y(sum), height: Math.max(0, low - plot.y(sum)), fill: colour(name)});
  });
});

// Bars of a sampled value [t, v], each reaching back to the sample before.
const barLayer = (points, name) => (plot) => points.map(([t, v], i) => {
  const from = plot.x(i ? points[i - 1][0] : t - 0.2);
  const y = plot.y(v);
  return draw("rect", {x: from, width: Math.max(1, plot.x(t) - from), y, height: Math.max(0, plot.bottom - y),
    fill: colour(name)});
});

// A horizontal limit with its name.
const limitLayer = (value, text) => (plot) => [
  draw("line", {x1: plot.left, x2: plot.left + plot.width, y1: plot.y(value), y2: plot.y(value),
    stroke: colour("soft"), "stroke-dasharray": "6 4"}),
  draw("text", {x: plot.left + plot.width - 4, y: plot.y(value) - 4, "text-anchor": "end"}, text),
];

// Upright marks [{t, colour, title}] with a knob at the top.
const markLayer = (marks) => (plot) => marks.map((mark) => {
  const group = draw("g");
  const x = plot.x(mark.t);
  group.append(draw("line", {x1: x, x2: x, y1: plot.top, y2: plot.bottom, stroke: colour(mark.colour),
    "stroke-width": 1.5}));
  group.append(draw("circle", {cx: x, cy: plot.top + 4, r: 4, fill: colour(mark.colour)}));
  group.append(draw("title", {}, mark.title));
  return group;
});

// Tables and lists.

// columns: [{text, of: (row) => string | Node, kind: "text" | undefined}]
const table = (columns, rows) => {
  const head = make("tr", {}, ...columns.map((c) => make("th", {scope: "col", class: c.kind ?? ""}, c.text)));
  const body = rows.map((row) => make("tr", {class: row.total ? "total" : ""}, ...columns.map((c) => {
    const value = c.of(row);
    return make("td", {class: (c.kind ?? "") + (value === "0" || value === "–" ? " zero" : "")}, value);
  })));
  return make("div", {class: "wide", tabindex: 0, role: "region", "aria-label": columns[0].text + " table"},
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
};
// The column, if it says anything of any row.
const whereAny = (rows, column) => rows.some((row) => column.of(row) !== "0") ? [column] : [];
const results = (list) => make("ul", {class: "results"}, ...list.map((one) =>
  make("li", {class: one.pass ? "pass" : "fail"}, make("b", {}, one.pass ? "PASS" : "FAIL"), " " + one.text)));
const facts = (pairs) => make("dl", {}, ...pairs.flatMap(([name, ...value]) =>
  [make("dt", {}, name), make("dd", {}, ...value)]));
