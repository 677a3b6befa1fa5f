#include <gtest/gtest.h>

#include "quoll/core/breaker.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

constexpr Sample kFailure{.outcome = Outcome::failure};

std::optional<Transition> call(Breaker& breaker, const Sample& sample, TimePoint now) {
  Admission admission = breaker.try_acquire(now);
  EXPECT_TRUE(admission);
  return breaker.record(std::move(*admission.permit), sample, now);
}

TEST(Explain, ATripNamesItsCountsItsLimitAndOurOwnPart) {
  ManualClock clock;
  Breaker breaker = Breaker::create({.minimum_volume = 20}, 1).value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(call(breaker, {.local = milliseconds(300), .rescued = true}, clock.now()));
  }
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(call(breaker, {.outcome = Outcome::ignored}, clock.now()));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(call(breaker, {}, clock.now()));
  for (int i = 0; i < 11; ++i) EXPECT_FALSE(call(breaker, kFailure, clock.now()));
  breaker.note_local_stall(milliseconds(612), clock.now());
  const auto transition = call(breaker, kFailure, clock.now());
  ASSERT_TRUE(transition);
  EXPECT_EQ(explain(*transition),
            "opened: 12 of 20 calls failed (60.0 %, limit 50 %) in the last 10s; 3 answers were rescued from our own "
            "stall of 612ms; 2 samples were excluded; open for 5s");
  EXPECT_EQ(transition->evidence.counts.rescued, 3U);
  EXPECT_EQ(transition->evidence.counts.ignored, 2U);
  EXPECT_EQ(transition->evidence.longest_local_stall, milliseconds(612));
}

TEST(Explain, ARescueIsEvidenceOfAStallThatNobodyNoted) {
  ManualClock clock;
  Breaker breaker = Breaker::create({}, 1).value();
  (void)call(breaker, {.local = milliseconds(300), .rescued = true}, clock.now());
  EXPECT_EQ(breaker.snapshot(clock.now()).longest_local_stall, milliseconds(300));
}

TEST(Explain, AStallLeavesTheEvidenceWithTheWindow) {
  ManualClock clock;
  Breaker breaker = Breaker::create({}, 1).value();
  breaker.note_local_stall(milliseconds(700), clock.now());
  clock.advance(seconds(4));
  breaker.note_local_stall(milliseconds(200), clock.now());
  EXPECT_EQ(breaker.snapshot(clock.now() + seconds(4)).longest_local_stall, milliseconds(700));
  EXPECT_EQ(breaker.snapshot(clock.now() + seconds(8)).longest_local_stall, milliseconds(200));
  EXPECT_EQ(breaker.snapshot(clock.now() + seconds(30)).longest_local_stall, Duration::zero());
}

TEST(Explain, EveryReasonReads) {
  ManualClock clock;
  Breaker breaker = Breaker::create({.consecutive_failures = 2, .half_open_max = seconds(1)}, 1).value();
  (void)call(breaker, kFailure, clock.now());
  EXPECT_EQ(explain(*call(breaker, kFailure, clock.now())), "opened: 2 calls failed in a row (limit 2); open for 5s");
  clock.advance(seconds(5));
  Admission trial = breaker.try_acquire(clock.now());
  EXPECT_EQ(explain(*trial.transition), "half-opened: the time open is over; trial calls are let through");
  EXPECT_EQ(explain(*breaker.record(std::move(*trial.permit), kFailure, clock.now())),
            "opened: a trial call failed; open for 5s");
  clock.advance(seconds(5));
  trial = breaker.try_acquire(clock.now());
  clock.advance(seconds(1));
  EXPECT_EQ(explain(*breaker.poll(clock.now())), "opened: the trials were not decided in time; open for 5s");
  clock.advance(seconds(5));
  trial = breaker.try_acquire(clock.now());
  EXPECT_EQ(explain(*breaker.record(std::move(*trial.permit), {}, clock.now())), "closed: 1 trial call succeeded");
  EXPECT_EQ(explain(*breaker.force(Mode::forced_open, clock.now())), "forced open: by hand");
  EXPECT_EQ(explain(*breaker.force(Mode::metrics_only, clock.now())), "set to metrics only: by hand");
  EXPECT_EQ(explain(*breaker.force(Mode::disabled, clock.now())), "disabled: by hand");
  EXPECT_EQ(explain(*breaker.force(Mode::automatic, clock.now())), "closed: by hand");
}

TEST(Explain, ASnapshotSaysWhatIsAndWhatComesNext) {
  ManualClock clock;
  Breaker breaker = Breaker::create({.window_kind = WindowKind::count, .window_calls = 10}, 1).value();
  for (int i = 0; i < 5; ++i) (void)call(breaker, kFailure, clock.now());
  { const Admission refused = breaker.try_acquire(clock.now()); }
  clock.advance(seconds(2));
  EXPECT_EQ(explain(breaker.snapshot(clock.now())),
            "open, next trial in 3s: 0 of 0 calls failed (0.0 %, limit 50 %) of the last 10 calls; 1 rejected");
  clock.advance(seconds(3));
  const Admission trial = breaker.try_acquire(clock.now());
  EXPECT_EQ(explain(breaker.snapshot(clock.now())),
            "half_open, 0 of 1 trial call succeeded, 1 under way: 0 of 0 calls failed (0.0 %, limit 50 %) of the last "
            "10 calls");
}

TEST(Explain, TheJournalKeepsTheLastTransitionsWholeAndInOrder) {
  ManualClock clock;
  Breaker breaker = Breaker::create({.minimum_volume = 1}, 1).value();
  std::vector<Transition> told;
  while (told.size() < 50) {
    Admission admission = breaker.try_acquire(clock.now());
    if (admission.transition) told.push_back(*admission.transition);
    if (!admission) {
      clock.advance(admission.rejection.retry_after);
      continue;
    }
    const Sample sample{.outcome = told.size() % 2 == 0 ? Outcome::success : Outcome::failure};
    const bool closed = breaker.state() == State::closed;
    if (auto moved = breaker.record(std::move(*admission.permit), closed ? kFailure : sample, clock.now())) {
      told.push_back(*moved);
    }
  }
  const std::vector<Transition> journal = breaker.journal();
  ASSERT_EQ(journal.size(), Breaker::kJournal);
  for (std::size_t i = 0; i < journal.size(); ++i) {
    const Transition& expected = told[told.size() - journal.size() + i];
    EXPECT_EQ(journal[i].sequence, expected.sequence);
    EXPECT_EQ(journal[i].at, expected.at);
    EXPECT_EQ(journal[i].evidence.counts, expected.evidence.counts);
    EXPECT_EQ(explain(journal[i]), explain(expected));
  }
}

TEST(Explain, TheGaugeTellsHalfOpenApart) {
  EXPECT_EQ(gauge(State::closed), 0);
  EXPECT_EQ(gauge(State::half_open), 0.5);
  EXPECT_EQ(gauge(State::open), 1);
  EXPECT_EQ(gauge(State::forced_open), 1);
  EXPECT_EQ(gauge(State::metrics_only), 0);
}

}  // namespace
}  // namespace quoll::core
