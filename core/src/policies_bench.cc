// What each policy costs a call, alone and with two threads that share it. Goals: 50 ns on one thread, at most 1.5
// times that each with two, nothing allocated.
//
// Run: build/release/core/quoll_core_bench --benchmark_filter=Policy
// On a noisy machine take the minimum of several repetitions, or count instructions:
//   valgrind --tool=callgrind --toggle-collect='*CASE*' quoll_core_bench --benchmark_filter=PolicyCASE/...
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker_registry.h"
#include "quoll/core/bulkhead.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/hedging.h"
#include "quoll/core/local_health.h"
#include "quoll/core/outlier.h"
#include "quoll/core/pipeline.h"
#include "quoll/core/rate_limit.h"
#include "quoll/core/retry.h"
#include "quoll/core/throttle.h"
#include "quoll/core/ttl_cache.h"

namespace quoll::core {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

// One policy for all threads of a run, fresh for each. It is there once the loop has begun, where the threads wait for
// each other; before, a thread may see that of the last run, or none.
template <typename Policy, typename Options>
const std::unique_ptr<Policy>& shared(const benchmark::State& state, const Options& options) {
  static std::unique_ptr<Policy> policy;
  if (state.thread_index() == 0) policy = std::make_unique<Policy>(options);
  return policy;
}

#define QUOLL_POLICY_BENCH(name) BENCHMARK(name)->Threads(1)->Threads(2)->UseRealTime()

// Latencies that differ from call to call without the cost of drawing them.
Duration varied(unsigned i) {
  return std::chrono::microseconds(40'000 + (i * 2'654'435'761U >> 18U));
}

void BM_PolicyAdaptiveTimeout(benchmark::State& state) {
  auto& timeout = shared<AdaptiveTimeout>(state, AdaptiveTimeoutOptions{});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned i = 0;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    benchmark::DoNotOptimize(timeout->timeout());
    timeout->record({.upstream = varied(++i)}, now, shard);
  }
}
QUOLL_POLICY_BENCH(BM_PolicyAdaptiveTimeout);

void BM_PolicyAdmission(benchmark::State& state) {
  auto& control = shared<AdmissionControl>(state, AdmissionOptions{});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned i = 0;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    benchmark::DoNotOptimize(control->decide(
        {.arrived_at = now - std::chrono::microseconds(30), .priority = ++i % 4, .client = i % 64}, now, shard));
  }
}
QUOLL_POLICY_BENCH(BM_PolicyAdmission);

void BM_PolicyAdmissionQueue(benchmark::State& state) {
  AdmissionQueue queue({});
  unsigned i = 0;
  for (; i < 100; ++i) (void)queue.offer(i, {.arrived_at = kStart, .priority = i % 4, .client = i % 64}, kStart);
  for ([[maybe_unused]] auto _ : state) {
    ++i;
    (void)queue.offer(i, {.arrived_at = kStart, .priority = i % 4, .client = i % 64}, kStart);
    benchmark::DoNotOptimize(queue.take(kStart));
  }
}
BENCHMARK(BM_PolicyAdmissionQueue);

void concurrency(benchmark::State& state, LimitAlgorithm algorithm) {
  auto& limit = shared<ConcurrencyLimit>(state, ConcurrencyLimitOptions{.algorithm = algorithm});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned i = 0;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    auto slot = limit->try_acquire(shard);
    limit->record(std::move(*slot), {.upstream = varied(++i)}, now);
  }
}
void BM_PolicyConcurrencyFixed(benchmark::State& state) {
  concurrency(state, LimitAlgorithm::fixed);
}
QUOLL_POLICY_BENCH(BM_PolicyConcurrencyFixed);
void BM_PolicyConcurrencyGradient2(benchmark::State& state) {
  concurrency(state, LimitAlgorithm::gradient2);
}
QUOLL_POLICY_BENCH(BM_PolicyConcurrencyGradient2);

void BM_PolicyBulkhead(benchmark::State& state) {
  auto& bulkhead = shared<Bulkhead>(state, BulkheadOptions{.max_waiting = 100});
  const auto shard = static_cast<unsigned>(state.thread_index());
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(bulkhead->try_acquire(shard));
    benchmark::DoNotOptimize(bulkhead->next_ready(kStart, shard));
  }
}
QUOLL_POLICY_BENCH(BM_PolicyBulkhead);

void BM_PolicyThrottle(benchmark::State& state) {
  auto& throttle = shared<Throttle>(state, ThrottleOptions{});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) {
    if (throttle->try_acquire(now += Duration(100), shard)) throttle->record({}, shard);
  }
}
QUOLL_POLICY_BENCH(BM_PolicyThrottle);

void BM_PolicyHedging(benchmark::State& state) {
  auto& hedging = shared<Hedging>(state, HedgingOptions{});
  const auto shard = static_cast<unsigned>(state.thread_index());
  unsigned i = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(hedging->start(shard));
    hedging->record({.upstream = varied(++i)}, shard);
  }
}
QUOLL_POLICY_BENCH(BM_PolicyHedging);

void BM_PolicyOutlier(benchmark::State& state) {
  static std::unique_ptr<OutlierEjection> outliers;
  if (state.thread_index() == 0) outliers = std::make_unique<OutlierEjection>(OutlierOptions{}, 10);
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned i = 0;
  for ([[maybe_unused]] auto _ : state) {
    now += Duration(100);
    const std::size_t endpoint = ++i % 10;
    benchmark::DoNotOptimize(outliers->weight(endpoint, now));
    benchmark::DoNotOptimize(outliers->record(endpoint, {.upstream = varied(i)}, now, shard));
  }
}
QUOLL_POLICY_BENCH(BM_PolicyOutlier);

void BM_PolicyLocalHealth(benchmark::State& state) {
  LocalHealth health({});
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(health.widen(std::chrono::milliseconds(500)));
}
BENCHMARK(BM_PolicyLocalHealth);

void BM_PolicyTtlCacheHit(benchmark::State& state) {
  static TtlCache<std::string, int> cache({});
  static const std::array<std::string, 2> keys = {"a key of usual length", "another key of such"};
  const std::string& key = keys[static_cast<std::size_t>(state.thread_index()) % 2];
  cache.put(key, 1, kStart);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(cache.get(key, kStart));
}
QUOLL_POLICY_BENCH(BM_PolicyTtlCacheHit);

void BM_PolicyBreakerRegistryGet(benchmark::State& state) {
  BreakerRegistry registry({.capacity = 100'000}, 1);
  std::vector<std::string> keys;
  keys.reserve(1000);
  for (int i = 0; i < 1000; ++i) keys.push_back("host-" + std::to_string(i) + ".example.org");
  for (const std::string& key : keys) (void)registry.get(key);
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(registry.get(keys[++i % keys.size()]));
}
BENCHMARK(BM_PolicyBreakerRegistryGet);

// The shared policies of a pipeline; each thread has its own retry policy, as each worker has.
struct Five {
  RetryBudget budget{RetryBudgetOptions{}};
  // The burst lets a thread run seconds of virtual time ahead of the other.
  RateLimit rate{RateLimitOptions{.rate = 100'000'000, .burst = 1'000'000'000}};
  ConcurrencyLimit concurrency{ConcurrencyLimitOptions{}};
  Breaker breaker = Breaker::create({}, 1).value();
  AdaptiveTimeout timeout{AdaptiveTimeoutOptions{}};
};

// Retry with a budget, concurrency limit, breaker, adaptive timeout, and rate limit.
void five(benchmark::State& state, bool rate_limit) {
  static std::unique_ptr<Five> all;
  if (state.thread_index() == 0) all = std::make_unique<Five>();
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  unsigned i = 0;
  std::optional<RetryPolicy> retry;
  Pipeline pipeline{.shard = shard};
  for ([[maybe_unused]] auto _ : state) {
    if (!retry) {  // the policies are made when all threads have come here
      retry.emplace(RetryOptions{}, &all->budget, 1);
      pipeline.retry = &*retry;
      pipeline.rate_limit = rate_limit ? &all->rate : nullptr;
      pipeline.concurrency = &all->concurrency;
      pipeline.breaker = &all->breaker;
      pipeline.timeout = &all->timeout;
    }
    now += Duration(100);
    PipelineCall call(pipeline, {});
    const Step step = call.start(now);
    if (step.next == Next::send) benchmark::DoNotOptimize(call.finish({.upstream = varied(++i)}, now));
  }
}
void BM_PolicyPipelineOfFive(benchmark::State& state) {
  five(state, true);
}
QUOLL_POLICY_BENCH(BM_PolicyPipelineOfFive);
void BM_PolicyPipelineOfFour(benchmark::State& state) {
  five(state, false);
}
QUOLL_POLICY_BENCH(BM_PolicyPipelineOfFour);

void BM_PolicyRateLimit(benchmark::State& state) {
  // The burst lets a thread run seconds of virtual time ahead of the other.
  auto& limit = shared<RateLimit>(state, RateLimitOptions{.rate = 100'000'000, .burst = 1'000'000'000});
  const auto shard = static_cast<unsigned>(state.thread_index());
  TimePoint now = kStart;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(limit->try_acquire(now += Duration(100), 1, shard));
}
QUOLL_POLICY_BENCH(BM_PolicyRateLimit);

void BM_PolicyRetryBudgetDeposit(benchmark::State& state) {
  auto& budget = shared<RetryBudget>(state, RetryBudgetOptions{});
  const auto shard = static_cast<unsigned>(state.thread_index());
  for ([[maybe_unused]] auto _ : state) budget->deposit(shard);
}
QUOLL_POLICY_BENCH(BM_PolicyRetryBudgetDeposit);

void BM_PolicyRetryDecide(benchmark::State& state) {
  RetryPolicy policy({}, nullptr, 1);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(policy.decide({}, kStart));
}
BENCHMARK(BM_PolicyRetryDecide);

}  // namespace
}  // namespace quoll::core
