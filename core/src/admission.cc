#include "quoll/core/admission.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/faults.h"
#include "quoll/base/rng.h"
#include "quoll/base/time_math.h"
#include "quoll/core/options.h"

namespace quoll::core {

namespace {
constexpr double kLeastShare = 0.01;
constexpr double kLeastGrowth = 0.01;  // an interval
constexpr double kMostGrowth = 0.1;
constexpr unsigned kFair = 64;  // the weight of a client with exactly its share
}  // namespace

std::vector<std::string> AdmissionOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  const AdmissionOptions whole = resolved();
  faults.check_order("interval", whole.interval, "4 * target", times(whole.target, 4));
  faults.check_order("max_delay", whole.max_delay, "interval", whole.interval);
  return faults.take();
}

AdmissionOptions AdmissionOptions::resolved() const {
  AdmissionOptions moved = *this;
  Defaulted<Duration> targets = times(target, 4);
  if (!target.is_set()) targets = usual(times(target, 4));
  internal::let_follow({&targets, &moved.interval, &moved.max_delay});
  if (!target.is_set()) moved.target.follow(targets / 4);
  return moved;
}

const char* to_string(ShedReason reason) {
  switch (reason) {
    case ShedReason::none:
      return "none";
    case ShedReason::overload:
      return "overload";
    case ShedReason::too_old:
      return "too_old";
  }
  return "unknown";
}

AdmissionControl::AdmissionControl(const AdmissionOptions& options)
    : options_(internal::accepted("AdmissionControl", options)), lines_(kShards) {
  for (auto& weight : weight_) weight.store(kFair, std::memory_order_relaxed);
}

AdmissionDecision AdmissionControl::decide(const AdmissionRequest& request, TimePoint now, unsigned shard) {
  const Duration delay = std::max(between(request.arrived_at, now), Duration::zero());
  if (now.time_since_epoch().count() >= interval_end_.load(std::memory_order_relaxed)) {
    close_interval(request, delay, now);
  }
  Line& line = lines_[shard % kShards];
  std::int64_t least = line.least.load(std::memory_order_relaxed);
  while (delay.count() < least && !line.least.compare_exchange_weak(least, delay.count(), std::memory_order_relaxed)) {
  }
  const std::uint32_t mine = key(request, line);
  line.arrivals[mine >> (kRankBits - 4U)].fetch_add(1, std::memory_order_relaxed);
  if (delay > options_.max_delay) {
    line.too_old.fetch_add(1, std::memory_order_relaxed);
    return {.reason = ShedReason::too_old, .delay = delay};
  }
  if (mine >= threshold_.load(std::memory_order_relaxed)) {
    line.overload.fetch_add(1, std::memory_order_relaxed);
    return {.reason = ShedReason::overload, .delay = delay};
  }
  return {.delay = delay};
}

// The rank within a priority: half of it chance, so that a share of a class can be shed; a quarter more for each fair
// share that the client sent in the last interval, up to two.
std::uint32_t AdmissionControl::key(const AdmissionRequest& request, Line& line) {
  static_assert(kCells == 1U << 4U);
  const std::uint32_t priority = std::min(request.priority, options_.priorities - 1);
  const std::uint64_t chance =
      splitmix64(static_cast<std::uint64_t>(request.arrived_at.time_since_epoch().count()) ^ request.client);
  std::uint32_t weight = kFair;
  if (options_.fair && request.client != 0) {
    const std::size_t client = splitmix64(request.client) % kClients;
    line.clients[client].fetch_add(1, std::memory_order_relaxed);
    weight = weight_[client].load(std::memory_order_relaxed);
  }
  const std::uint32_t rank = (weight << 8U) + static_cast<std::uint32_t>(chance >> 49U);  // < 2^15 + 2^15
  return priority << kRankBits | rank;
}

// By the first request after it, which is the witness of what waited at its end.
void AdmissionControl::close_interval(const AdmissionRequest& request, Duration delay, TimePoint now) {
  if (!mutex_.try_lock()) return;  // another does it
  const std::int64_t at = now.time_since_epoch().count();
  const std::int64_t end = interval_end_.load(std::memory_order_relaxed);
  if (at >= end) {
    const std::int64_t arrived = std::min(request.arrived_at, now).time_since_epoch().count();
    const bool still_waiting = delay > options_.target && arrived < end;
    interval_end_.store(add_saturating(at, options_.interval.count()), std::memory_order_relaxed);
    std::int64_t least = INT64_MAX;
    for (Line& line : lines_) {
      least = std::min(least, line.least.exchange(INT64_MAX, std::memory_order_relaxed));
    }
    // No request at all: nothing waits.
    update_share(Duration(least == INT64_MAX ? 0 : least), still_waiting);
    // Since it was over nothing has arrived, for so many intervals. By the arrival: while a stall of ours lasted nobody
    // was asked about, but requests came.
    const std::int64_t unasked = end == INT64_MIN ? 0 : subtract_saturating(arrived, end) / options_.interval.count();
    recover_idle(unasked);
    update_clients(unasked);
    update_threshold();
  }
  mutex_.unlock();
}

void AdmissionControl::update_share(Duration least, bool still_waiting) {
  const bool was_overloaded = overloaded_;
  overloaded_ = least > options_.target && still_waiting;
  const bool draining = least < least_ - least_ / 10;
  least_ = least;
  if (overloaded_) {
    if (!was_overloaded) knee_ = share_;
    growth_ = kLeastGrowth;
    const double excess = static_cast<double>(least.count()) / static_cast<double>(options_.target.count());
    if (!draining) share_ = std::max(kLeastShare, share_ * (1 - std::min(0.5, 0.05 * excess)));
  } else {
    recover();
  }
}

// One interval without overload.
void AdmissionControl::recover() {
  if (share_ < 0.9 * knee_) {
    share_ = share_ * 1.05 + 0.005;
  } else {
    share_ = std::min(1.0, share_ * (1 + growth_));
    growth_ = std::min(kMostGrowth, growth_ * 1.1);
  }
}

// Intervals without a request. A hundred and some take it from the least share to all; the others change nothing.
void AdmissionControl::recover_idle(std::int64_t intervals) {
  if (intervals <= 0) return;
  overloaded_ = false;
  least_ = {};
  for (; intervals > 0 && (share_ < 1 || growth_ < kMostGrowth); --intervals) recover();
}

// The key under which the admitted share of the last interval's requests lies; within a cell, in proportion.
void AdmissionControl::update_threshold() {
  std::uint64_t total = 0;
  for (std::size_t cell = 0; cell < arrivals_.size(); ++cell) {
    arrivals_[cell] = 0;
    for (Line& line : lines_) arrivals_[cell] += line.arrivals[cell].exchange(0, std::memory_order_relaxed);
    total += arrivals_[cell];
  }
  decided_ += total;
  const double share = std::min(share_, max_share_);
  if (share >= 1) {
    threshold_.store(kEverything, std::memory_order_relaxed);
    return;
  }
  if (total == 0) return;  // nothing to go by: as before
  double room = share * static_cast<double>(total);
  constexpr std::uint32_t kCellWidth = 1U << (kRankBits - 4U);
  std::uint32_t threshold = 0;
  for (const std::uint64_t count : arrivals_) {
    const auto arrived = static_cast<double>(count);
    if (arrived > room) {
      threshold += static_cast<std::uint32_t>(room / arrived * kCellWidth);
      break;
    }
    room -= arrived;
    threshold += kCellWidth;
  }
  threshold_.store(threshold, std::memory_order_relaxed);
}

// After one interval, and so many more without a request.
void AdmissionControl::update_clients(std::int64_t rested) {
  if (!options_.fair) return;
  std::array<std::uint64_t, kClients> sent{};
  std::uint64_t total = 0;
  unsigned active = 0;
  for (std::size_t client = 0; client < kClients; ++client) {
    for (Line& line : lines_) {
      if (line.clients[client].load(std::memory_order_relaxed) == 0) continue;
      sent[client] += line.clients[client].exchange(0, std::memory_order_relaxed);
    }
    total += sent[client];
    active += sent[client] != 0 ? 1 : 0;
  }
  const double fair = active == 0 ? 1 : static_cast<double>(total) / active;
  const auto halvings = static_cast<unsigned>(std::clamp<std::int64_t>(rested, 0, 8));
  for (std::size_t client = 0; client < kClients; ++client) {
    // Half old, half new: a client is not a saint for one quiet interval. Two fair shares are the most that counts.
    const double shares = std::min(2.0, static_cast<double>(sent[client]) / fair) * (kFair - 1);
    const auto weight = (weight_[client].load(std::memory_order_relaxed) + static_cast<unsigned>(shares)) / 2;
    weight_[client].store(static_cast<std::uint8_t>(weight >> halvings), std::memory_order_relaxed);
  }
}

void AdmissionControl::set_max_share(double share) {
  const MutexLock lock(mutex_);
  max_share_ = std::isnan(share) ? 1.0 : std::clamp(share, kLeastShare, 1.0);
}

AdmissionControl::Snapshot AdmissionControl::snapshot() const {
  const MutexLock lock(mutex_);
  Snapshot snapshot{
      .share = std::min(share_, max_share_), .overloaded = overloaded_, .least_delay = least_, .decided = decided_};
  for (const Line& line : lines_) {
    snapshot.overload += line.overload.load(std::memory_order_relaxed);
    snapshot.too_old += line.too_old.load(std::memory_order_relaxed);
    for (const auto& cell : line.arrivals) snapshot.decided += cell.load(std::memory_order_relaxed);
  }
  return snapshot;
}

}  // namespace quoll::core
