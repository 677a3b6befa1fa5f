// What must hold when threads share a breaker: nothing is lost, nothing is told twice, no limit is exceeded. Run under
// the tsan preset, too. Time is a shared number that the threads push on.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/core/breaker.h"

namespace quoll::core {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kSeed = 20'261'123;

class SharedClock {
 public:
  TimePoint now() const { return TimePoint(Duration(now_.load(std::memory_order_relaxed))); }
  TimePoint advance(Duration by) {
    return TimePoint(Duration(now_.fetch_add(by.count(), std::memory_order_relaxed) + by.count()));
  }

 private:
  std::atomic<std::int64_t> now_{Duration(std::chrono::hours(1)).count()};
};

// What one thread saw.
struct Account {
  LifetimeTotals totals;
  std::vector<Transition> transitions;

  void keep(const std::optional<Transition>& transition) {
    if (transition) transitions.push_back(*transition);
  }
};

template <typename Work>
std::vector<Account> on_threads(unsigned count, Work work) {
  std::vector<Account> accounts(count);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (unsigned i = 0; i < count; ++i) threads.emplace_back([&accounts, &work, i] { work(i, accounts[i]); });
  for (std::thread& thread : threads) thread.join();
  return accounts;
}

void expect_totals(const LifetimeTotals& real, const std::vector<Account>& accounts) {
  LifetimeTotals sum;
  for (const Account& each : accounts) {
    sum.success += each.totals.success;
    sum.failure += each.totals.failure;
    sum.timeout += each.totals.timeout;
    sum.cancelled += each.totals.cancelled;
    sum.ignored += each.totals.ignored;
    sum.rescued += each.totals.rescued;
    sum.rejected += each.totals.rejected;
    for (const Transition& transition : each.transitions) {
      sum.opened += transition.to == State::open ? 1 : 0;
      sum.half_opened += transition.to == State::half_open ? 1 : 0;
      sum.closed += transition.to == State::closed ? 1 : 0;
    }
  }
  EXPECT_EQ(real.success, sum.success);
  EXPECT_EQ(real.failure, sum.failure);
  EXPECT_EQ(real.timeout, sum.timeout);
  EXPECT_EQ(real.cancelled, sum.cancelled);
  EXPECT_EQ(real.ignored, sum.ignored);
  EXPECT_EQ(real.rescued, sum.rescued);
  EXPECT_EQ(real.rejected, sum.rejected);
  EXPECT_EQ(real.opened, sum.opened);
  EXPECT_EQ(real.half_opened, sum.half_opened);
  EXPECT_EQ(real.closed, sum.closed);
}

// Each exactly once, and each from where the one before led.
void expect_one_chain(const std::vector<Account>& accounts) {
  std::vector<Transition> all;
  for (const Account& each : accounts) all.insert(all.end(), each.transitions.begin(), each.transitions.end());
  std::sort(all.begin(), all.end(), [](const Transition& a, const Transition& b) { return a.sequence < b.sequence; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].sequence, i + 1);
    ASSERT_EQ(all[i].from, i == 0 ? State::closed : all[i - 1].to);
  }
}

// Calls with random outcomes and lengths, some dropped, some long enough to become stale; with a little of everything
// else that may be called at the same time.
void churn(Breaker& breaker, SharedClock& clock, unsigned thread, int steps, unsigned shard, Account& account) {
  Rng rng(kSeed + thread);
  std::vector<Permit> held;
  for (int i = 0; i < steps; ++i) {
    const TimePoint now = clock.advance(microseconds(rng.uniform_int(1, 400)));
    Admission admission = breaker.try_acquire(now, shard);
    account.keep(admission.transition);
    if (admission) {
      held.push_back(std::move(*admission.permit));
    } else {
      ++account.totals.rejected;
    }
    while (held.size() > 8 || (!held.empty() && rng.chance(0.7))) {
      const std::size_t at = rng.uniform_int(0, held.size() - 1);
      Permit permit = std::move(held[at]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      if (rng.chance(0.05)) {
        ++account.totals.cancelled;
        continue;
      }
      // Good and bad times alternate, so that it opens and closes again.
      const bool outage = now.time_since_epoch() / seconds(1) % 2 == 0;
      Sample sample{.outcome = rng.chance(outage ? 0.9 : 0.05) ? Outcome::failure : Outcome::success,
                    .upstream = milliseconds(rng.uniform_int(1, 50)),
                    .rescued = rng.chance(0.02)};
      if (rng.chance(0.05)) sample.outcome = Outcome::timeout;
      if (rng.chance(0.05)) sample.outcome = Outcome::ignored;
      account.totals.success += sample.outcome == Outcome::success ? 1 : 0;
      account.totals.failure += sample.outcome == Outcome::failure ? 1 : 0;
      account.totals.timeout += sample.outcome == Outcome::timeout ? 1 : 0;
      account.totals.ignored += sample.outcome == Outcome::ignored ? 1 : 0;
      account.totals.rescued += sample.rescued ? 1 : 0;
      account.keep(breaker.record(std::move(permit), sample, now));
    }
    if (rng.chance(0.01)) account.keep(breaker.poll(now));
    if (rng.chance(0.001)) account.keep(breaker.force(rng.chance(0.5) ? Mode::metrics_only : Mode::automatic, now));
    if (rng.chance(0.001)) account.keep(breaker.close(now));
    if (rng.chance(0.01)) breaker.note_local_stall(milliseconds(3), now);
  }
  account.totals.cancelled += held.size();
}

BreakerOptions lively(WindowKind kind) {
  return {.window_kind = kind,
          .window = milliseconds(200),
          .window_calls = 50,
          .consecutive_failures = kind == WindowKind::consecutive ? 5U : 0U,
          .reset_timeout = milliseconds(30),
          .half_open_permits = 2,
          .half_open_successes = 2,
          .half_open_max = milliseconds(40)};
}

TEST(BreakerThreads, LoseNothingAndTellEachTransitionOnce) {
  for (const WindowKind kind : {WindowKind::time, WindowKind::count, WindowKind::consecutive}) {
    for (const bool same_shard : {false, true}) {
      Breaker breaker = Breaker::create(lively(kind), kSeed).value();
      SharedClock clock;
      const auto accounts = on_threads(4, [&](unsigned thread, Account& account) {
        churn(breaker, clock, thread, 20'000, same_shard ? 0 : thread, account);
      });
      const Snapshot snapshot = breaker.snapshot(clock.now());
      SCOPED_TRACE(std::string(to_string(kind)) + (same_shard ? ", one shard" : ", two shards"));
      expect_totals(snapshot.totals, accounts);
      expect_one_chain(accounts);
      EXPECT_GT(snapshot.totals.opened, 10U);
      EXPECT_GT(snapshot.totals.closed, 10U);
      EXPECT_GT(snapshot.totals.stale, 10U);
      EXPECT_EQ(snapshot.trials_in_flight, 0U) << "a permit leaked";
    }
  }
}

TEST(BreakerThreads, TotalsOnlyGrowWhileBucketsAreReused) {
  Breaker breaker =
      Breaker::create({.window = milliseconds(10), .buckets = 10, .minimum_volume = 1'000'000}, 1).value();
  SharedClock clock;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    LifetimeTotals last;
    while (!done.load()) {
      const Snapshot snapshot = breaker.snapshot(clock.now());
      EXPECT_GE(snapshot.totals.success, last.success);
      EXPECT_GE(snapshot.totals.failure, last.failure);
      EXPECT_GE(snapshot.totals.rescued, last.rescued);
      EXPECT_EQ(snapshot.state, State::closed);
      last = snapshot.totals;
    }
  });
  on_threads(2, [&](unsigned thread, Account&) {
    for (int i = 0; i < 30'000; ++i) {
      const TimePoint now = clock.advance(microseconds(50));
      const Sample sample{.outcome = i % 3 == 0 ? Outcome::failure : Outcome::success, .rescued = i % 7 == 0};
      Admission admission = breaker.try_acquire(now, thread);
      (void)breaker.record(std::move(*admission.permit), sample, now);
    }
  });
  done = true;
  reader.join();
  EXPECT_EQ(breaker.snapshot(clock.now()).totals.finished(), 60'000U);
}

TEST(BreakerThreads, NeverLetMoreTrialsThroughThanPermitted) {
  constexpr unsigned kPermits = 3;
  Breaker breaker = Breaker::create({.minimum_volume = 1,
                                     .reset_timeout = milliseconds(1),
                                     .half_open_permits = kPermits,
                                     .half_open_successes = 10'000,
                                     .half_open_max = Duration::zero()},
                                    1)
                        .value();
  SharedClock clock;
  Admission first = breaker.try_acquire(clock.now(), 0);
  ASSERT_TRUE(breaker.record(std::move(*first.permit), {.outcome = Outcome::failure}, clock.now()));
  clock.advance(milliseconds(2));
  std::atomic<unsigned> under_way{0};
  std::atomic<unsigned> half_opened{0};
  on_threads(4, [&](unsigned thread, Account&) {
    for (int i = 0; i < 2'000; ++i) {
      Admission admission = breaker.try_acquire(clock.now(), thread);
      half_opened += admission.transition ? 1 : 0;
      if (!admission) continue;
      EXPECT_LE(++under_way, kPermits);
      --under_way;
      if (i % 2 == 0) (void)breaker.record(std::move(*admission.permit), {}, clock.now());
    }
  });
  EXPECT_EQ(half_opened.load(), 1U);
  EXPECT_EQ(breaker.snapshot(clock.now()).trials_in_flight, 0U);
}

// The race that generations are for: permits of the old generation come back while another thread opens and closes.
TEST(BreakerThreads, OutcomesFromBeforeATransitionNeverReachTheNewWindow) {
  Breaker breaker = Breaker::create({.minimum_volume = 1'000'000}, 1).value();
  SharedClock clock;
  for (int round = 0; round < 200; ++round) {
    std::vector<Permit> old;
    old.reserve(64);
    for (int i = 0; i < 64; ++i) old.push_back(std::move(*breaker.try_acquire(clock.now(), 1).permit));
    std::atomic<bool> started{false};
    std::thread late([&] {
      started = true;
      for (Permit& permit : old) (void)breaker.record(std::move(permit), {.outcome = Outcome::failure}, clock.now());
    });
    while (!started.load()) {
    }
    ASSERT_TRUE(breaker.force(Mode::forced_open, clock.now()));
    ASSERT_TRUE(breaker.close(clock.now()));
    late.join();
    ASSERT_EQ(breaker.snapshot(clock.now()).counts.calls, 0U);
  }
  EXPECT_EQ(breaker.snapshot(clock.now()).totals.failure, 200U * 64U);
}

TEST(BreakerThreads, ExactlyOneOfManyFailuresOpens) {
  for (int round = 0; round < 100; ++round) {
    Breaker breaker = Breaker::create({.minimum_volume = 20}, 1).value();
    SharedClock clock;
    const auto accounts = on_threads(4, [&](unsigned thread, Account& account) {
      for (int i = 0; i < 10; ++i) {
        Admission admission = breaker.try_acquire(clock.now(), thread);
        if (admission) {
          account.keep(breaker.record(std::move(*admission.permit), {.outcome = Outcome::failure}, clock.now()));
        }
      }
    });
    std::size_t opened = 0;
    for (const Account& each : accounts) opened += each.transitions.size();
    ASSERT_EQ(opened, 1U);
  }
}

}  // namespace
}  // namespace quoll::core
