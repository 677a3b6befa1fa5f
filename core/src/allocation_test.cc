// No policy allocates for a call: every operator new of this binary is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/blocking.h"
#include "quoll/core/bulkhead.h"
#include "quoll/core/coalescer.h"
#include "quoll/core/hedging.h"
#include "quoll/core/local_health.h"
#include "quoll/core/outlier.h"
#include "quoll/core/pipeline.h"
#include "quoll/core/ttl_cache.h"
#include "quoll/testing/manual_clock.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

// Sanitizers bring their own, which must be left alone.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using testing::ManualClock;

// Calls `work` with a clock 10,000 times, after as many to warm up; returns how often it allocated.
template <typename Work>
std::uint64_t allocated_by(Work work) {
  ManualClock clock;
  for (unsigned i = 0; i < 10'000; ++i) work(clock.advance(milliseconds(1)), i);
  const std::uint64_t before = allocations.load();
  for (unsigned i = 0; i < 10'000; ++i) work(clock.advance(milliseconds(1)), i);
  return allocations.load() - before;
}

Sample sample(unsigned i) {
  return {.outcome = i % 17 == 0 ? Outcome::timeout : Outcome::success, .upstream = milliseconds(i % 90)};
}

TEST(Allocation, TheCounterCounts) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EQ(allocated_by([](TimePoint, unsigned) { ::operator delete(::operator new(1)); }), 10'000U);
#endif
}

TEST(Allocation, NoPolicyAllocatesForACall) {
  AdaptiveTimeout timeout({});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) { timeout.record(sample(i), now, i); }), 0U);
  for (const auto algorithm :
       {LimitAlgorithm::fixed, LimitAlgorithm::aimd, LimitAlgorithm::vegas, LimitAlgorithm::gradient2}) {
    ConcurrencyLimit limit({.algorithm = algorithm});
    EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) { limit.record(*limit.try_acquire(i), sample(i), now); }),
              0U);
  }
  Bulkhead bulkhead({.max_in_flight = 1, .max_waiting = 2});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned) {
              const auto slot = bulkhead.try_acquire();
              (void)bulkhead.enqueue(1, now);
              (void)bulkhead.next_ready(now + milliseconds(1));
            }),
            0U);
  AdmissionControl admission({});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              (void)admission.decide({.arrived_at = now - milliseconds(i % 20), .priority = i % 4, .client = i}, now,
                                     i);
            }),
            0U);
  AdmissionQueue queue({.capacity = 10});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              (void)queue.offer(i, {.arrived_at = now, .priority = i % 4, .client = i % 9}, now);
              if (i % 3 == 0) (void)queue.take(now);
            }),
            0U);
  Throttle throttle({});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              if (throttle.try_acquire(now, i)) throttle.record(sample(i), i);
            }),
            0U);
  Hedging hedging({});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              (void)hedging.start(i);
              (void)hedging.try_hedge(1, now);
              hedging.record(sample(i), i);
            }),
            0U);
  LocalHealth health({});
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              health.observe({.interval = milliseconds(1), .loop_delay = milliseconds(i % 400)}, now);
            }),
            0U);
  OutlierEjection outliers({}, 10);
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) { (void)outliers.record(i % 10, sample(i), now, i); }), 0U);
}

TEST(Allocation, NeitherCachesNorCoalescingAllocateForAKeyThatFits) {
  TtlCache<std::string, int> cache({});
  cache.put("key", 1, ManualClock().now());
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned) { (void)cache.find("key", now); }), 0U);
  Coalescer<std::string> coalescer({});
  std::vector<std::uint64_t> followers;
  followers.reserve(8);
  EXPECT_EQ(allocated_by([&](TimePoint, unsigned) {
              followers.clear();
              (void)coalescer.join("key", 1);
              (void)coalescer.join("key", 2);
              coalescer.finish("key", followers);
            }),
            0U);
}

TEST(Allocation, AWholePipelineDoesNotAllocateForACall) {
  RetryBudget budget({});
  RetryPolicy retry({}, &budget, 1);
  RateLimit rate({.rate = 1'000'000, .burst = 1'000});
  ConcurrencyLimit concurrency({});
  Breaker breaker = Breaker::create({}, 1).value();
  Throttle throttle({});
  AdaptiveTimeout timeout({});
  const Pipeline pipeline{.retry = &retry,
                          .rate_limit = &rate,
                          .concurrency = &concurrency,
                          .breaker = &breaker,
                          .throttle = &throttle,
                          .timeout = &timeout};
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              PipelineCall call(pipeline, {});
              Step step = call.start(now);
              while (step.next == Next::send) {
                step = call.finish(sample(i), now);
                if (step.next == Next::wait) step = call.start(now + step.wait);
              }
            }),
            0U);
}

TEST(Allocation, NorDoesRunAroundACallable) {
  struct Env {
    TimePoint at;
    TimePoint now() const { return at; }
    void sleep(Duration time) { at += time; }
  };
  RetryBudget budget({});
  RetryPolicy retry({}, &budget, 1);
  Breaker breaker = Breaker::create({}, 1).value();
  AdaptiveTimeout timeout({});
  const Pipeline pipeline{.retry = &retry, .breaker = &breaker, .timeout = &timeout};
  Fallback<int> fallback;
  fallback.add_value("zero", 0);
  EXPECT_EQ(allocated_by([&](TimePoint now, unsigned i) {
              const auto call = [&] { return i % 17 == 0 ? std::nullopt : std::optional<int>(1); };
              (void)run(pipeline, {}, fallback, call, Env{now});
            }),
            0U);
}

}  // namespace
}  // namespace quoll::core
