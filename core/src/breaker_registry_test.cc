#include "quoll/core/breaker_registry.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using testing::ManualClock;

void open(Breaker& breaker, TimePoint now) {
  while (breaker.state() == State::closed) {
    Admission admission = breaker.try_acquire(now);
    (void)breaker.record(std::move(*admission.permit), {.outcome = Outcome::failure}, now);
  }
}

TEST(BreakerRegistry, MakesOneBreakerForEachKey) {
  BreakerRegistry registry({}, 1);
  const auto a = registry.get("a");
  EXPECT_EQ(registry.get("a"), a);
  EXPECT_NE(registry.get("b"), a);
  EXPECT_EQ(a->name(), "a");
  EXPECT_EQ(registry.size(), 2U);
  EXPECT_EQ(registry.find("c"), nullptr);
  EXPECT_EQ(registry.all().size(), 2U);
  EXPECT_TRUE(registry.erase("a"));
  EXPECT_EQ(registry.size(), 1U);
}

TEST(BreakerRegistry, ANewKeyWithEachRequestDoesNotFillTheMemory) {
  BreakerRegistry registry({.capacity = 160}, 1);
  for (int i = 0; i < 5000; ++i) (void)registry.get("host-" + std::to_string(i));
  EXPECT_LE(registry.size(), 160U);
  EXPECT_EQ(registry.evictions() + registry.size(), 5000U);
}

TEST(BreakerRegistry, HoldsExactlyItsCapacity) {
  for (const unsigned capacity : {1U, 15U, 100U, 1000U}) {
    BreakerRegistry registry({.capacity = capacity}, 1);
    for (unsigned i = 0; i < capacity; ++i) (void)registry.get("host-" + std::to_string(i));
    EXPECT_EQ(registry.size(), capacity);
    EXPECT_EQ(registry.evictions(), 0U);
    for (unsigned i = 0; i < capacity; ++i) (void)registry.get("other-" + std::to_string(i));
    EXPECT_EQ(registry.size(), capacity);
  }
}

TEST(BreakerRegistry, AnOpenBreakerOutlivesClosedOnes) {
  ManualClock clock;
  BreakerRegistry registry({.capacity = 160}, 1);
  const auto bad = registry.get("bad");
  open(*bad, clock.now());
  for (int i = 0; i < 2000; ++i) (void)registry.get("host-" + std::to_string(i));
  EXPECT_EQ(registry.get("bad"), bad);
}

TEST(BreakerRegistry, OpenBreakersOnlyAreBoundedToo) {
  ManualClock clock;
  BreakerRegistry registry({.capacity = 32}, 1);
  for (int i = 0; i < 200; ++i) open(*registry.get("host-" + std::to_string(i)), clock.now());
  EXPECT_LE(registry.size(), 32U);
}

TEST(BreakerRegistry, APermitKeepsItsBreakerThroughAnEviction) {
  ManualClock clock;
  BreakerRegistry registry({.capacity = 16}, 1);
  auto breaker = registry.get("a");
  Admission admission = breaker->try_acquire(clock.now());
  for (int i = 0; i < 100; ++i) (void)registry.get("host-" + std::to_string(i));
  EXPECT_EQ(registry.find("a"), nullptr);
  EXPECT_FALSE(breaker->record(std::move(*admission.permit), {}, clock.now()));
}

TEST(BreakerRegistry, APermitNeedsNobodyToHoldItsBreaker) {
  ManualClock clock;
  BreakerRegistry registry({.capacity = 16, .breaker = {.minimum_volume = 1}}, 1);
  Admission recorded = registry.get("a")->try_acquire(clock.now());
  Admission dropped = registry.get("a")->try_acquire(clock.now());
  for (int i = 0; i < 100; ++i) (void)registry.get("host-" + std::to_string(i));
  EXPECT_EQ(registry.find("a"), nullptr);
  // The successor is another breaker, and not to blame for what the first one let through.
  EXPECT_TRUE(registry.get("a")->record(std::move(*recorded.permit), {.outcome = Outcome::failure}, clock.now()));
  EXPECT_EQ(registry.get("a")->state(), State::closed);
  EXPECT_EQ(registry.get("a")->snapshot(clock.now()).totals.finished(), 0U);
  dropped.permit.reset();
}

TEST(BreakerRegistry, APermitOutlivesTheRegistry) {
  ManualClock clock;
  std::optional<Permit> permit;
  {
    BreakerRegistry registry({}, 1);
    Admission admission = registry.get("a")->try_acquire(clock.now());
    permit.emplace(std::move(*admission.permit));
  }
  Permit moved = std::move(*permit);
  permit.reset();
}

TEST(BreakerRegistry, AHundredThousandHostsFitIntoAGibibyte) {
  // Measured on a thousand: each is its own allocation, its key, its node and two heads.
  BreakerRegistry registry({.capacity = 16'000}, 1);
  std::size_t bytes = 0;
  for (int i = 0; i < 1000; ++i)
    bytes += registry.get("a-rather-long-host-name.example.org:" + std::to_string(i))->memory_bytes();
  constexpr std::size_t kNode = 64 + 64 + 8 + 2 * 48;  // node, heap overhead, heads, key on the heap
  EXPECT_LT((bytes / 1000 + kNode) * 100'000, std::size_t{1} << 30U);
}

TEST(BreakerRegistry, ThreadsThatAskForTheSameKeyGetTheSameBreaker) {
  BreakerRegistry registry({.capacity = 1600}, 1);
  std::vector<std::shared_ptr<Breaker>> mine(50);
  std::vector<std::shared_ptr<Breaker>> theirs(50);
  auto work = [&](auto& out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = registry.get(std::to_string(i));
  };
  std::thread other([&] { work(theirs); });
  work(mine);
  other.join();
  EXPECT_EQ(mine, theirs);
}

TEST(BreakerRegistry, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(BreakerRegistryOptions{}.validate().empty());
  const BreakerRegistryOptions bad{.capacity = 0, .breaker = {.buckets = 0}};
  const auto faults = bad.validate();
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[1].rfind("breaker.buckets", 0), 0U);
}

}  // namespace
}  // namespace quoll::core
