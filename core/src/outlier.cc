#include "quoll/core/outlier.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/core/options.h"
#include "share.h"

namespace quoll::core {

std::vector<std::string> OutlierOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const OutlierOptions whole = resolved();
  faults.check_order("max_ejection", whole.max_ejection, "base_ejection", whole.base_ejection);
  return faults.take();
}

OutlierOptions OutlierOptions::resolved() const {
  OutlierOptions moved = *this;
  internal::let_follow({&moved.base_ejection, &moved.max_ejection});
  return moved;
}

const char* to_string(EjectionReason reason) {
  switch (reason) {
    case EjectionReason::consecutive_failures:
      return "consecutive_failures";
    case EjectionReason::success_rate:
      return "success_rate";
    case EjectionReason::latency:
      return "latency";
    case EjectionReason::by_hand:
      return "by_hand";
  }
  return "unknown";
}

std::string explain(const Ejection& ejection) {
  char text[96] = "by hand";
  switch (ejection.reason) {
    case EjectionReason::consecutive_failures:
      std::snprintf(text, sizeof text, "%.0f calls failed in a row (limit %.0f)", ejection.observed,
                    ejection.threshold);
      break;
    case EjectionReason::success_rate:
      std::snprintf(text, sizeof text, "%.1f %% of its calls succeeded (limit %.1f %%)", ejection.observed * 100,
                    ejection.threshold * 100);
      break;
    case EjectionReason::latency:
      std::snprintf(text, sizeof text, "it takes %.1f ms (limit %.1f ms)", ejection.observed * 1e3,
                    ejection.threshold * 1e3);
      break;
    case EjectionReason::by_hand:
      break;
  }
  return "endpoint " + std::to_string(ejection.endpoint) + " out for " + humanize(ejection.out_for) + ": " + text;
}

OutlierEjection::OutlierEjection(const OutlierOptions& options, std::size_t endpoints)
    : options_(internal::accepted("OutlierEjection", options)), endpoints_(endpoints), cells_(endpoints * kShards) {
  if (endpoints == 0) quoll::internal::options_refused("OutlierEjection: endpoints is 0; it must be at least 1");
}

std::optional<Ejection> OutlierEjection::record(std::size_t endpoint, const Sample& sample, TimePoint now,
                                                unsigned shard) {
  QUOLL_ASSERT(endpoint < endpoints_.size());
  if (sample.outcome == Outcome::cancelled || sample.outcome == Outcome::ignored) return std::nullopt;
  if (!available(endpoint, now)) return std::nullopt;
  Endpoint& at = endpoints_[endpoint];
  Cell& cell = cells_[endpoint * kShards + shard % kShards];
  if (sample.outcome == Outcome::success) {
    cell.good.add(sample.upstream);
    if (at.consecutive.load(std::memory_order_relaxed) != 0) at.consecutive.store(0, std::memory_order_relaxed);
    return std::nullopt;
  }
  cell.bad.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t failures = at.consecutive.fetch_add(1, std::memory_order_relaxed) + 1;
  if (options_.consecutive_failures == 0 || failures < options_.consecutive_failures) return std::nullopt;
  const MutexLock lock(mutex_);
  return eject_locked({.endpoint = endpoint,
                       .reason = EjectionReason::consecutive_failures,
                       .observed = static_cast<double>(failures),
                       .threshold = static_cast<double>(options_.consecutive_failures)},
                      now);
}

bool OutlierEjection::has_room(TimePoint now) const {
  if (options_.max_ejected <= 0) return false;
  const std::size_t out = ejected(now);
  const std::size_t share = internal::whole_share(options_.max_ejected, endpoints_.size());
  return out < std::max<std::size_t>(1, share) && out + 1 < endpoints_.size();
}

// The number of ejections so far, less one for each interval since the last one was over.
unsigned OutlierEjection::times_now(const Endpoint& endpoint, TimePoint now) const {
  if (endpoint.times == 0) return 0;
  const std::int64_t until = endpoint.out_until.load(std::memory_order_relaxed);
  const std::int64_t in_for = subtract_saturating(now.time_since_epoch().count(), until);
  const std::int64_t forgiven = std::max<std::int64_t>(0, in_for / options_.interval.count());
  return forgiven >= endpoint.times ? 0 : endpoint.times - static_cast<unsigned>(forgiven);
}

std::optional<Ejection> OutlierEjection::eject_locked(Ejection why, TimePoint now) {
  Endpoint& at = endpoints_[why.endpoint];
  // Another thread may have been first.
  if (!available(why.endpoint, now) || !has_room(now)) return std::nullopt;
  at.times = times_now(at, now) + 1;
  why.at = now;
  why.times = at.times;
  const double wanted = static_cast<double>(options_.base_ejection.count()) * at.times;
  why.out_for =
      Duration(static_cast<Duration::rep>(std::min(wanted, static_cast<double>(options_.max_ejection.count()))));
  at.out_until.store(after(now, why.out_for).time_since_epoch().count(), std::memory_order_relaxed);
  at.consecutive.store(0, std::memory_order_relaxed);
  return why;
}

std::vector<OutlierEjection::Compared> OutlierEjection::gather() {
  std::vector<Compared> compared;
  for (std::size_t endpoint = 0; endpoint < endpoints_.size(); ++endpoint) {
    std::uint64_t calls = 0;
    std::uint64_t failed = 0;
    double micros = 0;
    for (unsigned shard = 0; shard < kShards; ++shard) {
      Cell& cell = cells_[endpoint * kShards + shard];
      const SumAndCount::Sums good = cell.good.take();
      micros += static_cast<double>(good.micros);
      calls += good.count;
      failed += cell.bad.exchange(0, std::memory_order_relaxed);
    }
    const auto good = static_cast<double>(calls);
    calls += failed;
    if (calls < options_.minimum_calls) continue;
    compared.push_back({endpoint, good / static_cast<double>(calls), good > 0 ? micros / good / 1e6 : 0});
  }
  return compared;
}

std::vector<Ejection> OutlierEjection::poll(TimePoint now) {
  std::vector<Ejection> ejections;
  const std::int64_t at = now.time_since_epoch().count();
  if (at < next_.load(std::memory_order_relaxed)) return ejections;
  const MutexLock lock(mutex_);
  const std::int64_t due = next_.load(std::memory_order_relaxed);
  if (at < due) return ejections;
  next_.store(add_saturating(at, options_.interval.count()), std::memory_order_relaxed);
  const std::vector<Compared> compared = gather();
  if (due == INT64_MIN) return ejections;  // the first interval has no defined length
  if (compared.size() < options_.minimum_endpoints) return ejections;

  const auto count = static_cast<double>(compared.size());
  double mean = 0;
  for (const Compared& each : compared) mean += each.success_rate / count;
  double variance = 0;
  for (const Compared& each : compared) variance += (each.success_rate - mean) * (each.success_rate - mean) / count;
  const double least = std::min(mean - options_.stdev_factor * std::sqrt(variance), mean - options_.success_margin);
  std::vector<double> latencies;
  for (const Compared& each : compared) {
    if (each.latency > 0) latencies.push_back(each.latency);
  }
  const auto middle = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() / 2);
  if (!latencies.empty()) std::nth_element(latencies.begin(), middle, latencies.end());
  const double most = latencies.empty() ? 0 : *middle * options_.latency_factor;

  // The worst first, since there may not be room for all.
  std::vector<Compared> worst_first = compared;
  std::sort(worst_first.begin(), worst_first.end(),
            [](const Compared& a, const Compared& b) { return a.success_rate < b.success_rate; });
  for (const Compared& each : worst_first) {
    std::optional<Ejection> ejection;
    if (options_.stdev_factor > 0 && each.success_rate < least) {
      ejection = eject_locked({.endpoint = each.endpoint,
                               .reason = EjectionReason::success_rate,
                               .observed = each.success_rate,
                               .threshold = least},
                              now);
    } else if (most > 0 && each.latency > most) {
      ejection = eject_locked(
          {.endpoint = each.endpoint, .reason = EjectionReason::latency, .observed = each.latency, .threshold = most},
          now);
    }
    if (ejection) ejections.push_back(*ejection);
  }
  return ejections;
}

std::optional<Ejection> OutlierEjection::eject(std::size_t endpoint, TimePoint now) {
  QUOLL_ASSERT(endpoint < endpoints_.size());
  const MutexLock lock(mutex_);
  return eject_locked({.endpoint = endpoint}, now);
}

void OutlierEjection::restore(std::size_t endpoint) {
  QUOLL_ASSERT(endpoint < endpoints_.size());
  const MutexLock lock(mutex_);
  endpoints_[endpoint].out_until.store(kNever, std::memory_order_relaxed);
  endpoints_[endpoint].consecutive.store(0, std::memory_order_relaxed);
  endpoints_[endpoint].times = 0;
}

double OutlierEjection::returning_weight(std::int64_t since) const {
  if (since < 0) return 0;
  if (since >= options_.slow_start.count()) return 1;
  return std::max(options_.slow_start_min,
                  static_cast<double>(since) / static_cast<double>(options_.slow_start.count()));
}

std::size_t OutlierEjection::ejected(TimePoint now) const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) out += available(i, now) ? 0 : 1;
  return out;
}

}  // namespace quoll::core
