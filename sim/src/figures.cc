#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"

namespace quoll::sim {

Figure figure(std::string key, std::string title, Unit unit, double value) {
  return {std::move(key), std::move(title), unit, value};
}
Figure count_of(std::string key, std::string title, std::uint64_t value) {
  return {std::move(key), std::move(title), Unit::count, static_cast<double>(value)};
}
Figure percent_of(std::string key, std::string title, double part, double whole) {
  return {std::move(key), std::move(title), Unit::percent, whole > 0 ? part / whole * 100 : kNever};
}

std::size_t phase_index(const Plan& plan, std::string_view name) {
  for (std::size_t i = 0; i < plan.phases.size(); ++i) {
    if (plan.phases[i].name == name) return i;
  }
  QUOLL_ASSERT(!"a phase of this name");
  return 0;
}

const Counts& in_phase(const Plan& plan, const RunResult& run, std::string_view name) {
  return run.phases[phase_index(plan, name)];
}

Duration length_of(const Plan& plan, std::string_view name) {
  const Phase& phase = plan.phases[phase_index(plan, name)];
  return phase.to - phase.from;
}

std::uint64_t ended(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts.ended) sum += count;
  return sum;
}

double good_share(const Counts& counts) {
  const std::uint64_t all = ended(counts);
  return all == 0 ? kNever : static_cast<double>(counts.of(End::good)) / static_cast<double>(all);
}

double good_per_second(const Plan& plan, const RunResult& run, std::string_view phase) {
  return static_cast<double>(in_phase(plan, run, phase).of(End::good)) / to_seconds(length_of(plan, phase));
}

double p99_millis(const Plan& plan, const RunResult& run, std::string_view phase) {
  const Histogram& latency = run.latencies[phase_index(plan, phase)];
  return latency.count() == 0 ? kNever : to_millis(latency.percentile_duration(99));
}

double recovered_after(const RunResult& run, Duration from) {
  constexpr Duration kFor = std::chrono::seconds(5);
  std::optional<Duration> since;
  for (std::size_t i = 0; i < run.buckets.size(); ++i) {
    const Bucket& bucket = run.buckets[i];
    if (bucket.from < from) continue;
    const double share = good_share(bucket.counts);
    if (!(share >= 0.9)) {
      since.reset();
      continue;
    }
    if (!since) since = bucket.from;
    const Duration end = i + 1 < run.buckets.size() ? run.buckets[i + 1].from : run.length;
    if (end - *since >= kFor) return to_seconds(*since - from);
  }
  return kNever;
}

double reached_after(const RunResult& run, core::State state, Duration from, Duration until) {
  for (const StateChange& change : run.states) {
    if (change.at >= from && change.at < until && change.to == state) return to_seconds(change.at - from);
  }
  return kNever;
}

std::uint64_t opened_within(const RunResult& run, Duration from, Duration until) {
  return static_cast<std::uint64_t>(std::count_if(run.states.begin(), run.states.end(), [&](const StateChange& change) {
    return change.at >= from && change.at < until && change.to == core::State::open;
  }));
}

Duration longest_timeout(const RunResult& run, Duration from, Duration until) {
  Duration longest{};
  for (const Bucket& bucket : run.buckets) {
    if (bucket.from >= from && bucket.from < until) longest = std::max(longest, bucket.longest_timeout);
  }
  return longest;
}

const SetupResult& named(const std::vector<SetupResult>& results, std::string_view name) {
  const auto found = std::find_if(results.begin(), results.end(),
                                  [name](const SetupResult& result) { return result.setup.name == name; });
  QUOLL_ASSERT(found != results.end());
  return *found;
}

std::string words(double value, Unit unit) {
  if (std::isnan(value)) return "–";
  switch (unit) {
    case Unit::count: {
      std::string digits = fmt::format("{:.0f}", value);
      for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
      return digits;
    }
    case Unit::per_second:
      return fmt::format("{:.0f}/s", value);
    case Unit::percent:
      return fmt::format("{:.1f} %", value);
    case Unit::millis:
      return value >= 10'000 ? fmt::format("{:.1f} s", value / 1000) : fmt::format("{:.0f} ms", value);
    case Unit::seconds:
      return fmt::format("{:.1f} s", value);
    case Unit::times:
      return fmt::format("{:.2f}", value);
  }
  return {};
}

Duration PlanMaker::phase(std::string name, Duration length) {
  const Duration from = plan_.phases.empty() ? Duration::zero() : plan_.phases.back().to;
  plan_.phases.push_back({.name = std::move(name), .from = from, .to = from + length});
  return from;
}

void PlanMaker::change(Duration at, Change::What what, double value, int endpoint) {
  plan_.changes.push_back({.at = at, .what = what, .value = value, .endpoint = endpoint});
}

Plan PlanMaker::take() {
  // At most some 600 points in a chart.
  const Duration length = plan_.phases.back().to;
  for (const int seconds : {1, 2, 5, 10, 30, 60, 300}) {
    plan_.bucket = std::chrono::seconds(seconds);
    if (length / plan_.bucket <= 600) break;
  }
  return std::move(plan_);
}

}  // namespace quoll::sim
