#include "quoll/lab/demo/live_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/lab/demo/cross_check.h"
#include "quoll/lab/harness/text.h"

namespace quoll::lab::demo {

using harness::bar;
using harness::clip;
using harness::clock_text;
using harness::Colour;
using harness::count_of;
using harness::grouped;
using harness::Line;
using harness::state_colour;
using harness::state_words;
using harness::width_of;

namespace {

constexpr std::size_t kLabel = 11;  // columns before the strips

const PhaseRecord* current_phase(const RunRecord& run) {
  return run.phases.empty() ? nullptr : &run.phases.back();
}

Duration longest_lag_in(const RunRecord& run, Duration from, Duration to) {
  Duration longest{};
  for (const CircuitSample& sample : run.samples) {
    if (sample.at > from && sample.at <= to) longest = std::max(longest, sample.lag);
  }
  return longest;
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.0f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// One object holds the arguments, so that each part of the screen is a short function.
class Drawing {
 public:
  Drawing(const RunRecord& run, Duration now, const Screen& screen) : run_(run), now_(now), screen_(screen) {
    // Up to a round end, so that the axis does not move while the run takes a little longer than planned.
    axis_ = std::max({run.planned, now, Duration(std::chrono::seconds(1))});
    cells_ = screen.columns > kLabel + 2 ? screen.columns - kLabel - 1 : 1;
  }

  std::vector<std::string> lines() {
    head();
    numbers();
    blank();
    strips();
    events();
    if (lines_.size() > screen_.rows) lines_.resize(screen_.rows);
    return std::move(lines_);
  }

 private:
  Line line() const { return {screen_.columns, screen_.colours}; }
  void add(Line& one) { lines_.push_back(one.take()); }
  void blank() { lines_.emplace_back(); }
  Line labelled(std::string_view label) const {
    Line one = line();
    one.put(label, Colour::grey).to(kLabel);
    return one;
  }

  void head() {
    const PhaseRecord* phase = current_phase(run_);
    Line title = line();
    title.put("Quoll lab", Colour::bold);
    if (phase != nullptr) {
      title.put("  phase ").put(phase->phase.name, Colour::bold);
    } else {
      title.put("  starting");
    }
    const std::string time = fmt::format("{} of {}", clock_text(now_), clock_text(axis_));
    if (screen_.columns > title.width() + width_of(time)) title.to(screen_.columns - width_of(time));
    title.put(time, Colour::grey);
    add(title);
    if (phase == nullptr) return;
    // The sentence, wrapped to at most three lines.
    std::string_view text = phase->phase.sentence;
    for (int i = 0; i < 3 && !text.empty(); ++i) {
      std::size_t end = text.size();
      if (text.size() > screen_.columns && i < 2) {
        const std::size_t blank_at = text.rfind(' ', screen_.columns);
        end = blank_at == std::string_view::npos ? screen_.columns : blank_at;
      }
      Line one = line();
      one.put(text.substr(0, end), Colour::cyan);
      add(one);
      text.remove_prefix(std::min(text.size(), end + 1));
    }
    blank();
  }

  void numbers() {
    if (!run_.samples.empty()) {
      const CircuitSample& sample = run_.samples.back();
      Line one = labelled("circuit");
      one.put(state_words(sample.state), state_colour(sample.state));
      one.put(fmt::format(" for {:.1f} s", sample.state_seconds + to_seconds(now_ - sample.at)));
      one.put(fmt::format("   window: {} calls, {:.0f} % failed", grouped(sample.window_total), sample.failure_rate));
      add(one);
      Line lag = labelled("loop lag");
      const bool stalled = sample.lag > std::chrono::milliseconds(50);
      lag.put(humanize(sample.lag), stalled ? Colour::magenta : Colour::none);
      lag.put(fmt::format("   longest in 10 s: {}", humanize(sample.lag_10s)));
      add(lag);
    }
    if (!run_.ticks.empty()) traffic(run_.ticks.back().traffic);
    if (!run_.marks.empty()) {
      Line one = labelled("now");
      one.put(run_.marks.back().text);
      add(one);
    }
  }

  void traffic(const Traffic& traffic) {
    Line one = labelled("requests");
    one.put(fmt::format("{:.0f}/s", traffic.rps), Colour::bold);
    one.put(fmt::format("   answered {}", share(traffic.answered(), traffic.requests)));
    one.put("   fallback: ");
    for (const char* reason : {"open", "timeout", "error"}) {
      const std::uint64_t count = count_of(traffic.fallback, reason);
      one.put(fmt::format("{} {}  ", reason, share(count, traffic.requests)),
              count > 0 ? Colour::yellow : Colour::grey);
    }
    if (traffic.error_count() > 0) one.put(fmt::format("errors {}", traffic.error_count()), Colour::red);
    add(one);
    Line latency = labelled("latency");
    latency.put(fmt::format("p50 {:<7} p95 {:<7} p99 {:<7} max {:<7}", humanize(traffic.p50), humanize(traffic.p95),
                            humanize(traffic.p99), humanize(traffic.max)));
    add(latency);
  }

  std::size_t cell(Duration at) const {
    const double part = to_seconds(at) / to_seconds(axis_);
    return std::min(cells_ - 1, static_cast<std::size_t>(std::max(0.0, part) * static_cast<double>(cells_)));
  }

  // A strip whose cell shows the largest of the values that fall into it.
  void strip(std::string_view label, const std::vector<double>& values, const std::string& top_text, Colour colour) {
    const double top = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    Line one = labelled(label);
    std::string bars;
    for (const double value : values) bars += bar(value, top);
    one.put(bars, colour);
    add(one);
    if (!top_text.empty()) tops_.push_back(fmt::format("{} {}", label, top_text));
  }

  void strips() {
    Line phases = labelled("phase");
    for (const PhaseRecord& record : run_.phases) {
      phases.to(kLabel + cell(record.start));
      const std::size_t end = kLabel + cell(record.end.value_or(now_)) + 1;
      const std::size_t room = end > phases.width() ? end - phases.width() : 0;
      phases.put(room > 1 ? clip("│" + record.phase.name, room) : "│", Colour::grey);
    }
    add(phases);
    Line states = labelled("state");
    std::vector<std::string> by_cell(cells_);
    for (const CircuitSample& sample : run_.samples) {
      std::string& one = by_cell[cell(sample.at)];
      if (one != "half_open") one = sample.state;  // short, and worth seeing
    }
    for (const StateChange& change : run_.changes) {
      if (change.to == "half_open") by_cell[cell(change.at)] = change.to;
    }
    for (const std::string& state : by_cell) {
      const char* shape = state.empty() ? " " : state == "closed" ? "▁" : state == "half_open" ? "▄" : "█";
      states.put(shape, state_colour(state));
    }
    add(states);
    std::vector<double> rates(cells_);
    std::vector<double> latencies(cells_);
    double rate_top = 0;
    Duration latency_top{};
    for (const LoadTick& tick : run_.ticks) {
      for (std::size_t i = cell(tick.at - tick.length); i <= cell(tick.at); ++i) {
        rates[i] = std::max(rates[i], tick.traffic.rps);
        latencies[i] = std::max(latencies[i], to_millis(tick.traffic.p95));
      }
      rate_top = std::max(rate_top, tick.traffic.rps);
      latency_top = std::max(latency_top, tick.traffic.p95);
    }
    std::vector<double> lags(cells_);
    Duration lag_top{};
    for (const CircuitSample& sample : run_.samples) {
      lags[cell(sample.at)] = std::max(lags[cell(sample.at)], to_millis(sample.lag));
      lag_top = std::max(lag_top, sample.lag);
    }
    strip("requests", rates, fmt::format("{:.0f}/s", rate_top), Colour::green);
    strip("p95", latencies, humanize(latency_top), Colour::cyan);
    strip("loop lag", lags, humanize(lag_top), Colour::magenta);
    Line scale = labelled("full bar");
    scale.put(fmt::format("{}", fmt::join(tops_, "   ")), Colour::grey);
    add(scale);
  }

  void events() {
    if (lines_.size() + 2 >= screen_.rows) return;
    blank();
    // The last line of the screen stays empty: a terminal that scrolls there would lose the first one.
    const std::size_t room = screen_.rows - lines_.size() - 1;
    const std::size_t count = std::min(room, run_.changes.size());
    for (std::size_t i = run_.changes.size() - count; i < run_.changes.size(); ++i) {
      const StateChange& change = run_.changes[i];
      Line one = line();
      one.put(clock_text(change.at), Colour::grey).put("  ").put(state_words(change.to), state_colour(change.to));
      one.to(20).put(change.text);
      add(one);
    }
    if (run_.changes.empty()) {
      Line one = line();
      one.put("no change of state yet", Colour::grey);
      add(one);
    }
  }

  const RunRecord& run_;
  Duration now_;
  Screen screen_;
  Duration axis_{};
  std::size_t cells_ = 1;
  std::vector<std::string> tops_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> draw(const RunRecord& run, Duration now, const Screen& screen) {
  return Drawing(run, now, screen).lines();
}

std::vector<std::string> PlainView::news(const RunRecord& run) {
  std::vector<std::pair<Duration, std::string>> timed;
  for (; phases_ < run.phases.size(); ++phases_) {
    const PhaseRecord& record = run.phases[phases_];
    timed.emplace_back(record.start, fmt::format("phase {}: {}", record.phase.name, record.phase.sentence));
  }
  for (; marks_ < run.marks.size(); ++marks_) timed.emplace_back(run.marks[marks_].at, "  " + run.marks[marks_].text);
  for (; changes_ < run.changes.size(); ++changes_) {
    const StateChange& change = run.changes[changes_];
    timed.emplace_back(change.at, fmt::format("  circuit {} -> {}: {}", state_words(change.from),
                                              state_words(change.to), change.text));
  }
  for (; ticks_ < run.ticks.size(); ++ticks_) {
    const LoadTick& tick = run.ticks[ticks_];
    const Traffic& t = tick.traffic;
    std::string text =
        fmt::format("  {:<9} {:>5.0f}/s  answered {}", state_words(state_at(run, tick.at)), t.rps, t.answered());
    for (const char* reason : {"open", "timeout", "error"}) {
      if (const std::uint64_t count = count_of(t.fallback, reason)) text += fmt::format(", {} {}", reason, count);
    }
    if (t.error_count() > 0) text += fmt::format(", lost {}", t.error_count());
    const Duration lag = longest_lag_in(run, tick.at - tick.length, tick.at);
    text += fmt::format("   p50 {} p95 {} max {} loop lag {}", humanize(t.p50), humanize(t.p95), humanize(t.max),
                        humanize(lag));
    timed.emplace_back(tick.at, std::move(text));
  }
  // Events that one sample found are told in the order in which they happened.
  std::stable_sort(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  lines.reserve(timed.size());
  for (const auto& [at, text] : timed) lines.push_back(clock_text(at) + "  " + text);
  return lines;
}

}  // namespace quoll::lab::demo
