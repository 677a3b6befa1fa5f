// Throttle: refuses a growing share of calls on the caller's side while the callee refuses them on its own.
//
// Why, beside a breaker: a callee that is overloaded serves some calls and refuses others. A breaker knows only all or
// nothing: open, it wastes the callee's capacity; closed, it makes the callee spend it on refusals. The throttle lets
// through about `k` times what is accepted, so the callee keeps busy, and hears of an end of the overload at once.
//
// Site Reliability Engineering (Google, 2016), chapter 21:
//
//   refuse with probability max(0, (requests - k * accepts) / (requests + 1))
//
// requests are all that the application makes, those refused here included; accepts are those the callee took on. The
// book counts both over two minutes; here they decay exponentially with half the window for mean age, so nothing has to
// be kept per second. `padding` requests are never counted against the callee, so that a single failure of a quiet
// client refuses nothing.
//
// It is slow to forgive, as the book's is, for what is let through grows with what was accepted. After an outage that
// is longer than the window, until nothing is refused any more:
//
//   window / 2 * (ln(k / (k - 1)) + ln(1 / (1 - max_refused)) / (k - 1))
//
// With the defaults 1.8 windows; with k = 1.1 sixteen, less the more `padding` is beside the requests of a window. It
// is time that forgives, with calls or without.
//
// Thread-safe. A call is one atomic add on a line of the caller's shard. The counts are added up when a shard has had
// 16 calls, or a 64th of those of the window if that is more, and at the first in each hundredth of the window: so
// often that the probability moves by at most about k / 64 in between.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

struct ThrottleOptions {
  double k = 2;
  Duration window = std::chrono::minutes(2);
  double padding = 5;
  double max_refused = 0.95;
  bool failures_are_refusals = true;

  static void describe(auto&& field) {
    using O = ThrottleOptions;
    field("k", &O::k, schema::within(1.01, 100),
          "Calls that are sent for each that is accepted. Smaller refuses more here, and wastes less of the callee; "
          "larger notices sooner that it is well again.");
    field("window", &O::window, schema::within(std::chrono::seconds(1), std::chrono::hours(1)),
          "What the counts are taken over. Shorter notices and forgives sooner.");
    field("padding", &O::padding, schema::within(0, 10'000), "Refused calls that are forgiven, for quiet clients.");
    field("max_refused", &O::max_refused, schema::share(0.1, 1),
          "Never refuses more than this share. The rest finds out whether the callee is back.");
    field("failures_are_refusals", &O::failures_are_refusals,
          "Failures (5xx, resets) mean that the callee did not accept. A callee that says 500 for bugs of its own took "
          "the call on: turn it off and record Outcome::failure only for 429 and 503.");
  }

  std::vector<std::string> validate() const;
};

class Throttle {
 public:
  // `options` must be valid. The seed drives the chance of refusals.
  explicit Throttle(const ThrottleOptions& options, std::uint64_t seed = 1);

  // May a call be made now? Counts it as requested either way.
  bool try_acquire(TimePoint now, unsigned shard = 0) {
    Line& line = lines_[shard % kShards];
    const std::uint64_t count = line.requests.fetch_add(1, std::memory_order_relaxed);
    if (count + 1 >= batch_.load(std::memory_order_relaxed) ||
        now.time_since_epoch().count() >= next_.load(std::memory_order_relaxed)) {
      add_up(now);
    }
    const std::uint32_t probability = probability_.load(std::memory_order_relaxed);
    return probability == 0 || admit(line, count, probability);
  }
  // What became of a call that was let through. Cancelled and ignored calls count as accepted: nothing is held against
  // the callee.
  void record(const Sample& sample, unsigned shard = 0) {
    if (sample.outcome == Outcome::timeout) return;
    if (sample.outcome == Outcome::failure && options_.failures_are_refusals) return;
    lines_[shard % kShards].accepts.fetch_add(1, std::memory_order_relaxed);
  }

  // The share of calls refused now.
  double probability() const { return probability_.load(std::memory_order_relaxed) / kOne; }

  struct Snapshot {
    double probability = 0;
    double requests = 0;  // decayed, as of the last time they were added up
    double accepts = 0;
    std::uint64_t refused = 0;  // since the start
  };
  Snapshot snapshot() const;
  const ThrottleOptions& options() const { return options_; }

 private:
  static constexpr unsigned kShards = 4;
  static constexpr std::uint64_t kBatch = 16;  // the least
  static constexpr double kOne = 4294967295.0;
  struct alignas(64) Line {
    std::atomic<std::uint64_t> requests{0};  // since it was last added up
    std::atomic<std::uint64_t> accepts{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> draws{0};
  };
  bool admit(Line& line, std::uint64_t count, std::uint32_t probability);
  void add_up(TimePoint now);

  const ThrottleOptions options_;
  const std::uint64_t seed_;
  std::array<Line, kShards> lines_;
  alignas(64) std::atomic<std::uint32_t> probability_{0};  // of refusal, in 1 / kOne
  std::atomic<std::int64_t> next_{INT64_MIN};              // when to add up at the latest, ns
  std::atomic<std::uint64_t> batch_{kBatch};               // and after how many calls of a shard
  alignas(64) mutable Mutex mutex_;                        // away from what every call reads
  double requests_ QUOLL_GUARDED_BY(mutex_) = 0;
  double accepts_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::int64_t at_ QUOLL_GUARDED_BY(mutex_) = INT64_MIN;  // ns; INT64_MIN before the first call
};

}  // namespace quoll::core
