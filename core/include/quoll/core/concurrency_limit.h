// ConcurrencyLimit: how many calls to one callee may be under way at a time; fixed, or found by watching latency.
//
// Why: a callee that is asked faster than it answers builds a queue, and then every call is slow and none is useful.
// By Little's law (calls under way = rate * latency) a bound on concurrency bounds the queue, without knowing either. A
// limit reacts before calls fail, where a breaker reacts after.
//
// The adaptive algorithms are those of Netflix's concurrency-limits. Each looks at a window of calls at a time: at
// least `window` long and `minimum_samples` big; rtt is the mean upstream time of the window's successes and timeouts.
//
//   aimd       a timeout, or rtt > slow: limit * backoff; else limit + 1
//   vegas      queue = limit * (1 - noload / rtt), noload the least rtt since the last probe, l = max(1, log10(limit)):
//              a timeout: -l; queue <= l: +6l; queue < 3l: +l; queue > 6l: -l
//   gradient2  g = clamp(tolerance * long / rtt, 0.5, 1), long the mean over long_window windows:
//              limit = (1 - smoothing) * limit + smoothing * (g * limit + queue)
//
// None raises a limit that the traffic does not use: calls under way on average (sum of upstream times / length of the
// window) below half of it, and nobody refused. All clamp to [minimum, maximum].
//
// A probe, every probe_interval, halves the limit for two windows and takes the rtt of the second for noload (long):
// half the load shows the latency without most of the queue. Without it, both algorithms take an overload that lasts a
// minute for the normal state and let the queue grow. Envoy's gradient controller does so with its minRTT windows;
// Netflix's vegas measures at full load, which does not help. It costs 1 % of the capacity.
// Other differences to Netflix: windows for all three, and noload from windows too, since the least single latency
// against a mean one sees a queue in mere variation; a timeout counts as a latency for gradient2.
//
// Thread-safe. A Slot belongs to one thread at a time and must not outlive its limit. No allocation after construction.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/defaulted.h"
#include "quoll/core/outcome.h"
#include "quoll/core/permit_pool.h"
#include "quoll/core/sum_and_count.h"

namespace quoll::core {

enum class LimitAlgorithm : std::uint8_t { fixed, aimd, vegas, gradient2 };

struct ConcurrencyLimitOptions {
  LimitAlgorithm algorithm = LimitAlgorithm::gradient2;
  Defaulted<unsigned> initial = usual(20U);
  Defaulted<unsigned> minimum = usual(4U);
  Defaulted<unsigned> maximum = usual(200U);

  Duration window = std::chrono::milliseconds(100);
  unsigned minimum_samples = 10;
  double smoothing = 0.2;
  double tolerance = 1.5;
  unsigned queue = 4;
  unsigned long_window = 600;
  Duration probe_interval = std::chrono::seconds(10);
  double backoff = 0.9;
  Duration slow{};
  bool failures_are_drops = false;

  static void describe(auto&& field) {
    using O = ConcurrencyLimitOptions;
    using std::chrono::hours;
    field("algorithm", &O::algorithm, schema::words_to(LimitAlgorithm::gradient2),
          "vegas finds smaller limits; aimd needs timeouts (or slow) to notice anything.");
    field("initial", &O::initial, schema::within(1, PermitPool::kMaxLimit),
          "The limit at first, and for good with fixed. Follows the nearer of minimum and maximum if it is outside.");
    field("minimum", &O::minimum, schema::within(1, PermitPool::kMaxLimit),
          "Enough to learn from, whatever happens. Follows initial or maximum if one is less.");
    field("maximum", &O::maximum, schema::within(1, PermitPool::kMaxLimit),
          "What you would never want to exceed. Follows initial or minimum if one is more.");
    field("window", &O::window, schema::within(std::chrono::milliseconds(1), std::chrono::minutes(1)),
          "A window lasts at least so long: longer if calls take longer than that.");
    field("minimum_samples", &O::minimum_samples, schema::within(1, 10'000),
          "A window holds at least so many samples. Fewer if traffic is sparse.");
    field("smoothing", &O::smoothing, schema::share(), "gradient2: share of the new value; smaller is steadier.");
    field("tolerance", &O::tolerance, schema::within(1, 10),
          "gradient2: latency may grow by this before the limit shrinks. More if it varies with the kind of call.");
    field("queue", &O::queue, schema::within(1, 1'000),
          "gradient2: calls that may queue at the callee, and the growth a window.");
    field("long_window", &O::long_window, schema::within(10, 100'000), "gradient2: windows in the long mean.");
    field("probe_interval", &O::probe_interval, schema::within(Duration::zero(), hours(1)).zero_is("off"),
          "vegas, gradient2: how often the limit is halved for two windows, to see the latency without a queue.");
    field("backoff", &O::backoff, schema::share(0.5, 0.99), "aimd: what the limit is multiplied with when it shrinks.");
    field("slow", &O::slow, schema::within(Duration::zero(), hours(1)).zero_is("off"),
          "aimd: a mean latency above this counts like a timeout.");
    field("failures_are_drops", &O::failures_are_drops,
          "Failures count as timeouts do, for callees that answer 429 or 503 when they are full.");
  }

  std::vector<std::string> validate() const;

  // With the defaults moved that others were set past: what a policy made of these will go by.
  ConcurrencyLimitOptions resolved() const;
};

class ConcurrencyLimit;

// The right to have one call under way. Move-only; dropping it frees the place and teaches nothing.
class [[nodiscard]] Slot {
 public:
  Slot(Slot&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)), shard_(other.shard_) {}
  Slot& operator=(Slot&& other) noexcept;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot();

 private:
  friend class ConcurrencyLimit;
  Slot(ConcurrencyLimit* limit, unsigned shard) : limit_(limit), shard_(shard) {}
  ConcurrencyLimit* limit_;  // null once recorded or moved from
  unsigned shard_;
};

class ConcurrencyLimit {
 public:
  // `options` must be valid.
  explicit ConcurrencyLimit(const ConcurrencyLimitOptions& options);

  // A place, or nothing: refuse the call, or wait (bulkhead.h).
  std::optional<Slot> try_acquire(unsigned shard = 0) {
    if (permits_.try_take(shard)) return Slot(this, shard);
    lines_[shard % PermitPool::kShards].refused.store(true, std::memory_order_relaxed);
    return std::nullopt;
  }
  // Frees the place and learns. Cancelled and ignored calls teach nothing, nor do failures unless told otherwise.
  void record(Slot&& slot, const Sample& sample, TimePoint now);

  unsigned limit() const { return permits_.limit(); }
  unsigned in_flight() const { return permits_.in_use(); }

  struct Snapshot {
    unsigned limit = 0;
    unsigned in_flight = 0;
    // Of the last window: mean latency, calls under way on average. Zero before the first.
    Duration rtt{};
    double average_in_flight = 0;
    // What the algorithm holds for the latency without a queue.
    Duration baseline{};
    std::uint64_t windows = 0;
  };
  Snapshot snapshot() const;
  const ConcurrencyLimitOptions& options() const { return options_; }

 private:
  friend class Slot;
  // What one shard gathered in this window.
  struct alignas(64) Line {
    SumAndCount latencies;
    std::atomic<bool> dropped{false};
    std::atomic<bool> refused{false};
  };
  struct Gathered {
    double rtt = 0;  // mean, microseconds
    double in_flight = 0;
    std::uint64_t samples = 0;
    bool dropped = false;
    bool app_limited = false;
  };
  enum class Probe : std::uint8_t { none, settling, measuring };
  void close_window(TimePoint now);
  Gathered gather(TimePoint now) QUOLL_REQUIRES(mutex_);
  void decide(const Gathered& window, std::int64_t at) QUOLL_REQUIRES(mutex_);
  void adapt(const Gathered& window) QUOLL_REQUIRES(mutex_);
  double aimd(const Gathered& window) const QUOLL_REQUIRES(mutex_);
  double vegas(const Gathered& window) QUOLL_REQUIRES(mutex_);
  double gradient2(const Gathered& window) QUOLL_REQUIRES(mutex_);

  const ConcurrencyLimitOptions options_;
  PermitPool permits_;
  std::array<Line, PermitPool::kShards> lines_;
  alignas(64) std::atomic<std::int64_t> window_end_{INT64_MIN};  // ns; INT64_MIN before the first sample
  mutable Mutex mutex_;
  std::int64_t window_start_ QUOLL_GUARDED_BY(mutex_) = 0;
  double estimate_ QUOLL_GUARDED_BY(mutex_);
  double baseline_ QUOLL_GUARDED_BY(mutex_) = 0;  // microseconds: noload, or the long mean
  Probe probe_ QUOLL_GUARDED_BY(mutex_) = Probe::none;
  std::int64_t probe_at_ QUOLL_GUARDED_BY(mutex_) = 0;  // ns
  std::uint64_t windows_ QUOLL_GUARDED_BY(mutex_) = 0;
  Gathered last_ QUOLL_GUARDED_BY(mutex_);
};

const char* to_string(LimitAlgorithm algorithm);

}  // namespace quoll::core
