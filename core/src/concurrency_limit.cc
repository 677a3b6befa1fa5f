#include "quoll/core/concurrency_limit.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"
#include "quoll/base/faults.h"
#include "quoll/base/rng.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {
constexpr unsigned kLongWarmUp = 10;  // windows after which the long mean is an exponential one
}  // namespace

std::vector<std::string> ConcurrencyLimitOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const ConcurrencyLimitOptions whole = resolved();
  faults.check_order("maximum", whole.maximum, "minimum", whole.minimum);
  faults.check_order("initial", whole.initial, "minimum", whole.minimum);
  faults.check_order("maximum", whole.maximum, "initial", whole.initial);
  return faults.take();
}

ConcurrencyLimitOptions ConcurrencyLimitOptions::resolved() const {
  ConcurrencyLimitOptions moved = *this;
  internal::let_follow({&moved.minimum, &moved.initial, &moved.maximum});
  return moved;
}

const char* to_string(LimitAlgorithm algorithm) {
  switch (algorithm) {
    case LimitAlgorithm::fixed:
      return "fixed";
    case LimitAlgorithm::aimd:
      return "aimd";
    case LimitAlgorithm::vegas:
      return "vegas";
    case LimitAlgorithm::gradient2:
      return "gradient2";
  }
  return "unknown";
}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  if (limit_ != nullptr) limit_->permits_.give_back(shard_);
  limit_ = std::exchange(other.limit_, nullptr);
  shard_ = other.shard_;
  return *this;
}

Slot::~Slot() {
  if (limit_ != nullptr) limit_->permits_.give_back(shard_);
}

ConcurrencyLimit::ConcurrencyLimit(const ConcurrencyLimitOptions& options)
    : options_(internal::accepted("ConcurrencyLimit", options)),
      permits_(options_.initial),
      estimate_(options_.initial) {}

void ConcurrencyLimit::record(Slot&& slot, const Sample& sample, TimePoint now) {
  QUOLL_ASSERT(slot.limit_ == this);
  const unsigned shard = slot.shard_;
  slot.limit_ = nullptr;
  permits_.give_back(shard);
  if (options_.algorithm == LimitAlgorithm::fixed) return;

  const bool failure = sample.outcome == Outcome::failure && options_.failures_are_drops;
  const bool dropped = sample.outcome == Outcome::timeout || failure;
  if (!dropped && sample.outcome != Outcome::success) return;
  Line& line = lines_[shard % PermitPool::kShards];
  if (dropped) line.dropped.store(true, std::memory_order_relaxed);
  if (!failure) line.latencies.add(sample.upstream);  // a quick refusal is no latency
  if (now.time_since_epoch().count() >= window_end_.load(std::memory_order_relaxed)) close_window(now);
}

void ConcurrencyLimit::close_window(TimePoint now) {
  // A thread that comes while another closes it has nothing to do.
  if (!mutex_.try_lock()) return;
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t end = window_end_.load(std::memory_order_relaxed);
  if (at >= end) {
    std::uint64_t samples = 0;
    for (const Line& line : lines_) samples += line.latencies.count();
    if (end == INT64_MIN) {
      window_start_ = at;
      window_end_.store(add_saturating(at, options_.window.count()), std::memory_order_relaxed);
    } else if (samples < options_.minimum_samples) {
      // Too few: it stays open, and is looked at again a little later rather than at every call.
      window_end_.store(add_saturating(at, options_.window.count() / 8 + 1), std::memory_order_relaxed);
    } else {
      last_ = gather(now);
      decide(last_, at);
      window_start_ = at;
      window_end_.store(add_saturating(at, options_.window.count()), std::memory_order_relaxed);
    }
  }
  mutex_.unlock();
}

void ConcurrencyLimit::decide(const Gathered& window, std::int64_t at) {
  ++windows_;
  if (probe_ == Probe::settling) {  // still holds calls from before the limit was cut
    probe_ = Probe::measuring;
    return;
  }
  if (probe_ == Probe::measuring) {
    // A callee that hangs has no latency without a queue to be measured.
    if (!window.dropped) baseline_ = window.rtt;
    probe_ = Probe::none;
  } else {
    adapt(window);
  }
  const auto interval = options_.probe_interval.count();
  if (windows_ == 1) probe_at_ = add_saturating(at, interval);
  double limit = estimate_;
  if (interval != 0 && at >= probe_at_ && options_.algorithm != LimitAlgorithm::aimd) {
    // Up to a quarter later, so that many callers do not all probe in the same instant.
    const std::uint64_t later = splitmix64(windows_) % static_cast<std::uint64_t>(interval / 4 + 1);
    probe_at_ = add_saturating(at, interval + static_cast<std::int64_t>(later));
    probe_ = Probe::settling;
    limit = std::max(static_cast<double>(options_.minimum), estimate_ / 2);
  }
  permits_.set_limit(static_cast<unsigned>(limit));
}

void ConcurrencyLimit::adapt(const Gathered& window) {
  switch (options_.algorithm) {
    case LimitAlgorithm::aimd:
      estimate_ = aimd(window);
      break;
    case LimitAlgorithm::vegas:
      estimate_ = vegas(window);
      break;
    case LimitAlgorithm::gradient2:
      estimate_ = gradient2(window);
      break;
    case LimitAlgorithm::fixed:
      break;
  }
  estimate_ = std::clamp(estimate_, static_cast<double>(options_.minimum), static_cast<double>(options_.maximum));
}

ConcurrencyLimit::Gathered ConcurrencyLimit::gather(TimePoint now) {
  Gathered window;
  double sum = 0;
  bool refused = false;
  for (Line& line : lines_) {
    const SumAndCount::Sums sums = line.latencies.take();
    sum += static_cast<double>(sums.micros);
    window.samples += sums.count;
    window.dropped |= line.dropped.exchange(false, std::memory_order_relaxed);
    refused |= line.refused.exchange(false, std::memory_order_relaxed);
  }
  const auto micros = static_cast<double>(subtract_saturating(now.time_since_epoch().count(), window_start_)) / 1000;
  // Another thread may have taken its sample back out between the two looks: never divide by nothing.
  window.rtt = std::max(1.0, sum / static_cast<double>(std::max<std::uint64_t>(1, window.samples)));
  window.in_flight = sum / std::max(1.0, micros);
  window.app_limited = !refused && window.in_flight * 2 < estimate_;
  return window;
}

double ConcurrencyLimit::aimd(const Gathered& window) const {
  const bool slow = options_.slow > Duration::zero() && window.rtt * 1000 > static_cast<double>(options_.slow.count());
  if (window.dropped || slow) return estimate_ * options_.backoff;
  return window.app_limited ? estimate_ : estimate_ + 1;
}

double ConcurrencyLimit::vegas(const Gathered& window) {
  if (baseline_ == 0 || window.rtt < baseline_) baseline_ = window.rtt;
  const double step = std::max(1.0, std::log10(estimate_));
  const double queue = std::ceil(estimate_ * (1 - baseline_ / window.rtt));
  if (window.dropped) return estimate_ - step;
  if (window.app_limited) return estimate_;
  if (queue <= step) return estimate_ + 6 * step;
  if (queue < 3 * step) return estimate_ + step;
  return queue > 6 * step ? estimate_ - step : estimate_;
}

double ConcurrencyLimit::gradient2(const Gathered& window) {
  // A plain mean at first, then an exponential one of long_window windows.
  const double weight =
      windows_ <= kLongWarmUp ? 1.0 / static_cast<double>(windows_) : 2.0 / (options_.long_window + 1);
  baseline_ += (window.rtt - baseline_) * weight;
  if (baseline_ > 2 * window.rtt) baseline_ *= 0.95;
  const double gradient = std::clamp(options_.tolerance * baseline_ / window.rtt, 0.5, 1.0);
  if (window.app_limited) return estimate_;
  const double wanted = estimate_ * gradient + options_.queue;
  return estimate_ * (1 - options_.smoothing) + wanted * options_.smoothing;
}

ConcurrencyLimit::Snapshot ConcurrencyLimit::snapshot() const {
  const MutexLock lock(mutex_);
  const auto micros = [](double value) { return Duration(static_cast<Duration::rep>(value * 1000)); };
  return {.limit = limit(),
          .in_flight = in_flight(),
          .rtt = micros(last_.rtt),
          .average_in_flight = last_.in_flight,
          .baseline = micros(baseline_),
          .windows = windows_};
}

}  // namespace quoll::core
