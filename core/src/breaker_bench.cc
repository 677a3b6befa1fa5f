// What a breaker costs each call, beside the same work under one mutex. Goals: try_acquire + record on a closed breaker
// 15 ns (limit 40) on one thread, two threads sharing it at most 1.5 times that each, a rejection 10 ns.
//
// Run: build/release/core/quoll_core_bench --benchmark_filter=Breaker
// On a noisy machine take the minimum of several repetitions, or count instructions:
//   valgrind --tool=callgrind --toggle-collect='closed_calls*' quoll_core_bench --benchmark_filter=ClosedSuccess/...
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <mutex>

#include "quoll/core/breaker.h"

namespace quoll::core {
namespace {

constexpr Sample kSuccess{.outcome = Outcome::success, .upstream = std::chrono::milliseconds(10)};
constexpr Sample kFailure{.outcome = Outcome::failure, .upstream = std::chrono::milliseconds(10)};
constexpr TimePoint kStart{std::chrono::hours(1)};

Breaker made(const BreakerOptions& options = {}) {
  return Breaker::create(options, 1).value();
}

// A fresh breaker for each run, used by all of its threads: they wait for each other before the loop begins.
Breaker& shared(const benchmark::State& state, const BreakerOptions& options) {
  static Breaker breaker = made(options);
  if (state.thread_index() == 0) breaker = made(options);
  return breaker;
}

// One call after another; each `step` later than the last.
void call(Breaker& breaker, const Sample& sample, TimePoint now, unsigned shard) {
  Admission admission = breaker.try_acquire(now, shard);
  benchmark::DoNotOptimize(breaker.record(std::move(*admission.permit), sample, now));
}

void report(benchmark::State& state, const Breaker& breaker) {
  state.counters["bytes"] = static_cast<double>(breaker.memory_bytes());
}

void BM_BreakerClosedSuccess(benchmark::State& state) {
  Breaker& breaker = shared(state, {});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) call(breaker, kSuccess, now += Duration(100), shard);
  if (shard == 0) report(state, breaker);
}
BENCHMARK(BM_BreakerClosedSuccess)->Threads(1)->Threads(2)->UseRealTime();

// A callee that always fails a little: each failure is an evaluation of the window.
void BM_BreakerClosedOneInTenFails(benchmark::State& state) {
  Breaker& breaker = shared(state, {.failure_rate_threshold = 0.9, .minimum_volume = 20});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned number = 0;
  for ([[maybe_unused]] auto _ : state)
    call(breaker, ++number % 10 == 0 ? kFailure : kSuccess, now += Duration(100), shard);
}
BENCHMARK(BM_BreakerClosedOneInTenFails)->Threads(1)->Threads(2)->UseRealTime();

// As used where no worker number is at hand.
void BM_BreakerClosedThreadLocalShard(benchmark::State& state) {
  Breaker breaker = made();
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    Admission admission = breaker.try_acquire(now);
    benchmark::DoNotOptimize(breaker.record(std::move(*admission.permit), kSuccess, now));
  }
}
BENCHMARK(BM_BreakerClosedThreadLocalShard);

void BM_BreakerClosedCountWindow(benchmark::State& state) {
  Breaker& breaker = shared(state, {.window_kind = WindowKind::count});
  const auto shard = static_cast<unsigned>(state.thread_index());
  for ([[maybe_unused]] auto _ : state) call(breaker, kSuccess, kStart, shard);
}
BENCHMARK(BM_BreakerClosedCountWindow)->Threads(1)->Threads(2)->UseRealTime();

void BM_BreakerRejected(benchmark::State& state) {
  Breaker& breaker =
      shared(state, {.reset_timeout = std::chrono::hours(24), .reset_timeout_max = std::chrono::hours(24)});
  const auto shard = static_cast<unsigned>(state.thread_index());
  if (shard == 0) {
    while (breaker.state() == State::closed) call(breaker, kFailure, kStart, 0);
  }
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) {
    const Admission admission = breaker.try_acquire(now += Duration(10), shard);
    benchmark::DoNotOptimize(admission.rejection.retry_after);
  }
}
BENCHMARK(BM_BreakerRejected)->Threads(1)->Threads(2)->UseRealTime();

// The control: the same window (ten buckets of calls and failures), state and check, without percentiles, journal or
// generations, under one mutex taken once to ask and once to record.
class MutexBreaker {
 public:
  bool try_acquire(TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (open_) return now >= until_;
    return true;
  }
  void record(bool failed, TimePoint now) {
    const std::lock_guard lock(mutex_);
    const auto tick = static_cast<std::uint64_t>(now.time_since_epoch().count()) / kWidth;
    Bucket& bucket = buckets_[tick % buckets_.size()];
    if (bucket.tick != tick) bucket = {.tick = tick};
    ++bucket.calls;
    if (!failed) return;
    ++bucket.failed;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    for (const Bucket& each : buckets_) {
      if (each.tick + buckets_.size() <= tick) continue;
      calls += each.calls;
      failures += each.failed;
    }
    if (calls >= 5 && failures * 2 >= calls) {
      open_ = true;
      until_ = now + std::chrono::seconds(5);
    }
  }

 private:
  static constexpr std::uint64_t kWidth = 1'000'000'000;
  struct Bucket {
    std::uint64_t tick = 0;
    std::uint64_t calls = 0;
    std::uint64_t failed = 0;
  };
  std::mutex mutex_;
  bool open_ = false;
  TimePoint until_{};
  std::array<Bucket, 10> buckets_{};
};

void BM_MutexBreakerClosedSuccess(benchmark::State& state) {
  static MutexBreaker breaker;
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    benchmark::DoNotOptimize(breaker.try_acquire(now));
    breaker.record(false, now);
  }
}
BENCHMARK(BM_MutexBreakerClosedSuccess)->Threads(1)->Threads(2)->UseRealTime();

void BM_BreakerSnapshot(benchmark::State& state) {
  Breaker breaker = made();
  TimePoint now = kStart;
  for (unsigned i = 0; i < 100'000; ++i) call(breaker, kSuccess, now += std::chrono::microseconds(90), i);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(breaker.snapshot(now));
}
BENCHMARK(BM_BreakerSnapshot);

}  // namespace
}  // namespace quoll::core
