#include "quoll/sim/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <queue>

#include "quoll/base/histogram.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/breaker.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/sim/settings.h"

namespace quoll::sim {

namespace {

// Zero is "never" to some policies.
constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));

// Calls start and end in the order of time. start(index, at) returns the time of the end, or nothing when the call is
// not made; end(index, at) follows. At the same instant, ends come first.
template <typename Start, typename Finish>
void play(const Trace& trace, Start start, Finish finish) {
  struct Ending {
    TimePoint at;
    std::size_t call;
    bool operator>(const Ending& other) const { return at != other.at ? at > other.at : call > other.call; }
  };
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> under_way;
  const auto finish_until = [&](TimePoint now) {
    while (!under_way.empty() && under_way.top().at <= now) {
      const Ending ending = under_way.top();
      under_way.pop();
      finish(ending.call, ending.at);
    }
  };
  for (std::size_t i = 0; i < trace.calls.size(); ++i) {
    const TimePoint at = kStart + trace.calls[i].at;
    finish_until(at);
    if (const std::optional<TimePoint> end = start(i, at)) under_way.push({*end, i});
  }
  finish_until(TimePoint::max());
}

core::Sample sample_of(const TraceCall& call) {
  return {.outcome = call.outcome, .upstream = call.latency};
}

BreakerReplay replay_breaker(const Trace& trace, const core::BreakerOptions& options) {
  auto made = core::Breaker::create(options, 1);
  QUOLL_ASSERT(made.has_value());
  core::Breaker& breaker = *made;
  BreakerReplay result;
  std::vector<std::optional<core::Permit>> permits(trace.calls.size());
  std::optional<TimePoint> left;  // closed at
  TimePoint last = kStart;
  const auto note = [&](const std::optional<core::Transition>& transition) {
    if (!transition) return;
    if (transition->to == core::State::open) ++result.opened;
    if (transition->from == core::State::closed) left = transition->at;
    if (transition->to == core::State::closed && left) {
      result.open_for += transition->at - *left;
      left.reset();
    }
    result.transitions.push_back(*transition);
  };
  play(
      trace,
      [&](std::size_t i, TimePoint at) -> std::optional<TimePoint> {
        last = at;
        core::Admission admission = breaker.try_acquire(at, 0);
        note(admission.transition);
        const TraceCall& call = trace.calls[i];
        if (admission) {
          permits[i].emplace(std::move(*admission.permit));
          return at + call.latency;
        }
        ++result.rejected;
        if (call.outcome == core::Outcome::success) ++result.rejected_good;
        if (call.outcome == core::Outcome::failure || call.outcome == core::Outcome::timeout) ++result.rejected_bad;
        return std::nullopt;
      },
      [&](std::size_t i, TimePoint at) {
        last = at;
        note(breaker.record(std::move(*permits[i]), sample_of(trace.calls[i]), at));
        permits[i].reset();
      });
  if (left) result.open_for += last - *left;
  for (core::Transition& transition : result.transitions) {
    transition.at = TimePoint(transition.at - kStart);
  }
  return result;
}

TimeoutReplay replay_timeout(const Trace& trace, const core::AdaptiveTimeoutOptions& options) {
  core::AdaptiveTimeout timeout(options);
  TimeoutReplay result;
  Histogram given;
  Duration sooner{};
  std::vector<Duration> limits(trace.calls.size());
  play(
      trace,
      [&](std::size_t i, TimePoint at) -> std::optional<TimePoint> {
        limits[i] = timeout.timeout();
        given.record(limits[i]);
        return at + std::min(limits[i], trace.calls[i].latency);
      },
      [&](std::size_t i, TimePoint at) {
        const TraceCall& call = trace.calls[i];
        core::Sample sample = sample_of(call);
        const bool cut = call.latency > limits[i];
        if (cut) sample = {.outcome = core::Outcome::timeout, .upstream = limits[i]};
        if (cut && call.outcome == core::Outcome::success) ++result.cut_off;
        if (call.outcome == core::Outcome::timeout) {
          ++(cut ? result.sooner : result.not_sooner);
          if (cut) sooner += call.latency - limits[i];
        }
        timeout.record(sample, at);
      });
  result.least = Duration(static_cast<Duration::rep>(given.min()));
  result.median = given.percentile_duration(50);
  result.most = Duration(static_cast<Duration::rep>(given.max()));
  if (result.sooner > 0) result.sooner_by = sooner / static_cast<std::int64_t>(result.sooner);
  return result;
}

LimitReplay replay_limit(const Trace& trace, const core::ConcurrencyLimitOptions& options) {
  core::ConcurrencyLimit limit(options);
  LimitReplay result{.least = limit.limit(), .most = limit.limit()};
  std::vector<std::optional<core::Slot>> slots(trace.calls.size());
  unsigned in_flight = 0;
  play(
      trace,
      [&](std::size_t i, TimePoint at) -> std::optional<TimePoint> {
        result.most_in_flight = std::max(result.most_in_flight, ++in_flight);
        slots[i] = limit.try_acquire();
        if (!slots[i]) ++result.refused;
        return at + trace.calls[i].latency;
      },
      [&](std::size_t i, TimePoint at) {
        --in_flight;
        if (!slots[i]) return;
        limit.record(std::move(*slots[i]), sample_of(trace.calls[i]), at);
        slots[i].reset();
        result.least = std::min(result.least, limit.limit());
        result.most = std::max(result.most, limit.limit());
      });
  result.at_end = limit.limit();
  return result;
}

}  // namespace

const std::vector<std::string>& replay_groups() {
  static const std::vector<std::string> kGroups = {"breaker", "adaptive_timeout", "concurrency_limit"};
  return kGroups;
}

Result<std::vector<Variant>> parse_variants(const std::vector<std::string>& settings) {
  Config common;
  common.policies.breaker.on = common.policies.adaptive_timeout.on = common.policies.concurrency_limit.on = true;
  std::string faults;
  const auto note = [&faults](const std::string& fault) { faults += (faults.empty() ? "" : "\n") + fault; };
  const auto label = [](const std::string& setting) {
    const auto colon = setting.find(':');
    return colon < setting.find('=') ? setting.substr(0, colon) : std::string();
  };
  for (const std::string& setting : settings) {
    if (!label(setting).empty()) continue;
    if (const auto applied = apply(common, setting, replay_groups()); !applied) note(applied.error().message);
  }
  std::vector<Variant> variants;
  for (const std::string& setting : settings) {
    const std::string name = label(setting);
    if (name.empty()) continue;
    auto at =
        std::find_if(variants.begin(), variants.end(), [&name](const Variant& each) { return each.name == name; });
    if (at == variants.end()) at = variants.insert(at, {name, common});
    const auto applied = apply(at->config, std::string_view(setting).substr(name.size() + 1), replay_groups());
    if (!applied) note(name + ":" + applied.error().message);
  }
  if (variants.empty()) variants.push_back({"as set", common});
  for (const Variant& variant : variants) {
    for (const std::string& fault : variant.config.validate()) note(variant.name + ": " + fault);
  }
  if (!faults.empty()) return Error{faults, "usage"};
  return variants;
}

ReplayResult replay(const Trace& trace, std::string_view file, const std::vector<Variant>& variants) {
  ReplayResult result;
  result.file = file;
  result.calls = trace.calls.size();
  result.skipped = trace.skipped;
  result.outcomes.resize(core::kOutcomes);
  Histogram latency;
  for (const TraceCall& call : trace.calls) {
    ++result.outcomes[static_cast<std::size_t>(call.outcome)];
    if (call.outcome == core::Outcome::success) latency.record(call.latency);
    result.length = std::max(result.length, call.at + call.latency);
  }
  result.p50 = latency.percentile_duration(50);
  result.p99 = latency.percentile_duration(99);
  for (const Variant& variant : variants) {
    const Policies& with = variant.config.policies;
    result.variants.push_back({.name = variant.name,
                               .breaker = replay_breaker(trace, with.breaker.options),
                               .timeout = replay_timeout(trace, with.adaptive_timeout.options),
                               .limit = replay_limit(trace, with.concurrency_limit.options)});
  }
  return result;
}

}  // namespace quoll::sim
