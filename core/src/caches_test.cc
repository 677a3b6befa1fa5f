// BoundedMap, TtlCache and Coalescer.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <list>
#include <string>
#include <thread>

#include "quoll/base/rng.h"
#include "quoll/core/coalescer.h"
#include "quoll/core/ttl_cache.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ManualClock;

TEST(BoundedMap, IsAMapThatKnowsWhatWasUsedLast) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    BoundedMap<std::string, int> map(8);
    std::list<std::pair<std::string, int>> model;  // oldest use first
    for (int i = 0; i < 1000; ++i) {
      const std::string key = std::to_string(rng.uniform_int(0, 14));
      const auto at = std::find_if(model.begin(), model.end(), [&](const auto& entry) { return entry.first == key; });
      const std::uint64_t what = rng.uniform_int(0, 3);
      if (what == 0) {
        const int* value = map.use(std::string_view(key));
        RC_ASSERT((value != nullptr) == (at != model.end()));
        if (value != nullptr) {
          RC_ASSERT(*value == at->second);
          model.splice(model.end(), model, at);
        }
      } else if (what == 1) {
        const auto gone = map.erase(key);
        RC_ASSERT(gone.has_value() == (at != model.end()));
        if (gone) model.erase(at);
      } else if (at == model.end() && !map.full()) {
        map.insert(key, i);
        model.emplace_back(key, i);
      }
      RC_ASSERT(map.size() == model.size());
      RC_ASSERT(map.full() == (model.size() == 8));
      auto expected = model.begin();
      map.oldest_first([&](const std::string& seen, int) { return seen == (expected++)->first; });
      RC_ASSERT(expected == model.end());
    }
  }));
}

using Cache = TtlCache<std::string, int>;

TEST(TtlCache, IsFreshThenStaleThenGone) {
  ManualClock clock;
  Cache cache({.ttl = seconds(1), .stale_for = seconds(9)});
  cache.put("a", 7, clock.now());
  EXPECT_EQ(cache.get("a", clock.now()), 7);
  clock.advance(seconds(1));
  EXPECT_FALSE(cache.get("a", clock.now()));
  const auto stale = cache.find("a", clock.now());
  ASSERT_TRUE(stale);
  EXPECT_EQ(stale->value, 7);
  EXPECT_FALSE(stale->fresh);
  EXPECT_EQ(stale->age, seconds(1));
  clock.advance(seconds(9));
  EXPECT_FALSE(cache.find("a", clock.now()));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TtlCache, ANewValueIsFreshAgain) {
  ManualClock clock;
  Cache cache({});
  cache.put("a", 1, clock.now());
  clock.advance(minutes(1));
  cache.put("a", 2, clock.now());
  EXPECT_EQ(cache.get("a", clock.now()), 2);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_TRUE(cache.erase("a"));
  EXPECT_FALSE(cache.erase("a"));
}

TEST(TtlCache, KeepsItsBoundAndWhatIsUsed) {
  ManualClock clock;
  Cache cache({.capacity = 1600});
  cache.put("used", 1, clock.now());
  for (int i = 0; i < 20'000; ++i) {
    cache.put(std::to_string(i), i, clock.now());
    ASSERT_TRUE(cache.get("used", clock.now())) << i;
  }
  EXPECT_LE(cache.size(), 1600U);
  EXPECT_EQ(cache.evictions() + cache.size(), 20'001U);
}

struct Constant {
  std::size_t operator()(int) const { return 42; }
};
struct HighBitsOnly {
  std::uint64_t operator()(int key) const { return static_cast<std::uint64_t>(key) << 40U; }
};

// The bug this guards against: std::hash<int> is the number itself, so all keys fell into one shard of sixteen.
template <typename Hash>
void expect_all_of(int capacity) {
  const TimePoint now = ManualClock().now();
  TtlCache<int, int, Hash> cache({.capacity = static_cast<unsigned>(capacity)});
  for (int i = 0; i < capacity; ++i) cache.put(i, i, now);
  EXPECT_EQ(cache.size(), static_cast<std::size_t>(capacity));
  EXPECT_EQ(cache.evictions(), 0U);
  for (int i = 0; i < capacity; ++i) EXPECT_EQ(cache.get(i, now), i);
  for (int i = 0; i < 3 * capacity; ++i) cache.put(capacity + i, i, now);
  EXPECT_EQ(cache.size(), static_cast<std::size_t>(capacity));
  EXPECT_EQ(cache.evictions(), 3U * static_cast<unsigned>(capacity));
}

TEST(TtlCache, HoldsExactlyItsCapacityWhateverTheHash) {
  for (const int capacity : {1, 2, 15, 16, 17, 127, 128, 1000, 1600, 10'000}) {
    SCOPED_TRACE(capacity);
    expect_all_of<KeyHash<int>>(capacity);
    expect_all_of<std::hash<int>>(capacity);
    expect_all_of<HighBitsOnly>(capacity);
  }
  expect_all_of<Constant>(100);
}

TEST(TtlCache, InASmallOneTheEntryThatWasUsedLongestAgoGoes) {
  ManualClock clock;
  for (const unsigned capacity : {2U, 10U, 100U}) {
    TtlCache<int, int, std::hash<int>> cache({.capacity = capacity});
    for (int i = 0; i < static_cast<int>(capacity); ++i) cache.put(i, i, clock.now());
    EXPECT_TRUE(cache.get(0, clock.now()));
    cache.put(1000, 0, clock.now());
    EXPECT_TRUE(cache.get(0, clock.now()));
    EXPECT_FALSE(cache.get(1, clock.now()));
  }
}

TEST(TtlCache, ACapacityOfOneKeepsTheLast) {
  ManualClock clock;
  Cache cache({.capacity = 1});
  for (int i = 0; i < 100; ++i) {
    cache.put(std::to_string(i), i, clock.now());
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_EQ(cache.get(std::to_string(i), clock.now()), i);
  }
}

TEST(TtlCache, AgesAtAnyTimeOfTheClock) {
  for (const TimePoint start :
       {TimePoint::min(), TimePoint(-milliseconds(500)), TimePoint(Duration(0)), TimePoint::max() - seconds(11)}) {
    ManualClock clock(start);
    Cache cache({.ttl = seconds(1), .stale_for = seconds(9)});
    cache.put("a", 1, clock.now());
    EXPECT_TRUE(cache.find("a", clock.now())->fresh);
    EXPECT_FALSE(cache.find("a", clock.advance(seconds(1)))->fresh);
    EXPECT_FALSE(cache.find("a", clock.advance(seconds(9))));
  }
  Cache cache({});
  cache.put("a", 1, TimePoint::min());
  EXPECT_FALSE(cache.find("a", TimePoint::max()));
}

// Threads that fill it together never hold more than it may, and lose no count.
TEST(ShardedMap, ThreadsTogetherKeepTheBound) {
  for (const std::uint32_t capacity : {3U, 130U, 2000U}) {
    ShardedMap<int, int> map(capacity);
    const auto oldest = [](auto& shard) {
      int victim = 0;
      shard.oldest_first([&victim](int key, int) {
        victim = key;
        return false;
      });
      return victim;
    };
    auto work = [&](int from) {
      for (int i = 0; i < 10'000; ++i) {
        const int key = from + i;
        map.with(key, [&](auto& shard) {
          if (shard.use(key) == nullptr) map.insert(shard, key, i, oldest);
        });
        map.trim(oldest);
        if (i % 7 == 0) map.erase(key);
      }
    };
    std::thread other(work, 5'000);
    work(0);
    other.join();
    EXPECT_LE(map.size(), capacity);
    for (int i = 0; i < 4000; ++i) {
      const int key = 100'000 + i;
      map.with(key, [&](auto& shard) { map.insert(shard, key, i, oldest); });
      map.trim(oldest);
    }
    EXPECT_EQ(map.size(), capacity);
  }
}

TEST(TtlCache, ThreadsShareIt) {
  Cache cache({.capacity = 160});
  const TimePoint now = ManualClock().now();
  auto work = [&](int from) {
    for (int i = 0; i < 20'000; ++i) {
      const int key = (from + i) % 500;
      if (const auto value = cache.get(std::to_string(key), now)) {
        EXPECT_EQ(*value, key);
      } else {
        cache.put(std::to_string(key), key, now);
      }
    }
  };
  std::thread other(work, 250);
  work(0);
  other.join();
  EXPECT_LE(cache.size(), 160U);
}

TEST(Coalescer, TheFirstLeadsAndTheOthersFollow) {
  Coalescer<std::string> coalescer({});
  EXPECT_EQ(coalescer.join("a", 1).role, Role::leader);
  EXPECT_EQ(coalescer.join("a", 2).role, Role::follower);
  EXPECT_EQ(coalescer.join("b", 3).role, Role::leader);
  EXPECT_EQ(coalescer.join("a", 4).role, Role::follower);
  std::vector<std::uint64_t> followers;
  coalescer.finish("a", followers);
  EXPECT_EQ(followers, (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(coalescer.join("a", 5).role, Role::leader) << "a new flight";
}

TEST(Coalescer, WhoLeavesIsNotWoken) {
  Coalescer<std::string> coalescer({});
  (void)coalescer.join("a", 1);
  const auto follower = coalescer.join("a", 2);
  EXPECT_TRUE(coalescer.leave(follower.ticket));
  std::vector<std::uint64_t> followers;
  coalescer.finish("a", followers);
  EXPECT_TRUE(followers.empty());
  EXPECT_FALSE(coalescer.leave(follower.ticket));
}

TEST(Coalescer, ItsBoundsMakeLonersAndNeverRefuse) {
  Coalescer<int> coalescer({.max_flights = 2, .max_followers = 1});
  (void)coalescer.join(1, 0);
  (void)coalescer.join(2, 0);
  EXPECT_EQ(coalescer.join(3, 0).role, Role::loner);
  EXPECT_EQ(coalescer.join(1, 0).role, Role::follower);
  EXPECT_EQ(coalescer.join(1, 0).role, Role::loner);
}

TEST(Coalescer, EachFollowerIsHandedOutOnceWhateverHappens) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    Coalescer<int> coalescer({.max_flights = 3, .max_followers = 6});
    std::vector<int> leading;
    std::uint64_t joined = 0;
    std::vector<std::uint64_t> woken;
    for (std::uint64_t i = 0; i < 500; ++i) {
      if (rng.chance(0.7)) {
        const int key = static_cast<int>(rng.uniform_int(0, 4));
        const auto join = coalescer.join(key, i);
        if (join.role == Role::leader) leading.push_back(key);
        if (join.role == Role::follower) joined += 1;
      } else if (!leading.empty()) {
        coalescer.finish(leading.back(), woken);
        leading.pop_back();
      }
      RC_ASSERT(coalescer.flights() == leading.size());
    }
    for (const int key : leading) coalescer.finish(key, woken);
    RC_ASSERT(woken.size() == joined);
    std::sort(woken.begin(), woken.end());
    RC_ASSERT(std::adjacent_find(woken.begin(), woken.end()) == woken.end());
  }));
}

TEST(TtlCacheAndCoalescer, EveryFaultOfTheOptionsIsNamed) {
  EXPECT_TRUE(TtlCacheOptions{}.validate().empty());
  EXPECT_TRUE(CoalescerOptions{}.validate().empty());
  const TtlCacheOptions cache{.capacity = 0, .ttl = Duration(0), .stale_for = Duration(-1)};
  EXPECT_EQ(cache.validate().size(), 3U);
  const CoalescerOptions coalescer{.max_flights = 0, .max_followers = 0};
  EXPECT_EQ(coalescer.validate().size(), 2U);
}

}  // namespace
}  // namespace quoll::core
