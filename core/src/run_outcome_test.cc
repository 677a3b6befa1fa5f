// What the answers of calls mean to run(): by their type and by the clock, and who wins at the end.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

#include "quoll/base/result.h"
#include "quoll/core/blocking.h"
#include "run_rig.h"

namespace quoll::core {
namespace {

using run_rig::ManualEnv;
using run_rig::Page;
using run_rig::Rig;
using std::chrono::milliseconds;

template <typename T, typename Call>
constexpr bool kGives = std::is_same_v<decltype(run(Pipeline(), {}, std::declval<Call>())), Called<T>>;

TEST(RunType, IsWhatTheCallBrings) {
  static_assert(kGives<int, int (*)()>);
  static_assert(kGives<Page, const Page& (*)(Duration)>);
  static_assert(kGives<void, void (*)()>);
  static_assert(kGives<Page, std::optional<Page> (*)()>);
  static_assert(kGives<Page, Result<Page> (*)()>);
  static_assert(kGives<void, Result<void> (*)()>);
  static_assert(kGives<Page, Reply<Page> (*)()>);
  static_assert(kGives<void, Reply<void> (*)()>);
  static_assert(kGives<Page, std::future<Page> (*)()>);
  static_assert(kGives<Page, std::shared_future<Page> (*)()>);
  static_assert(kGives<Page, std::future<std::optional<Page>> (*)()>);
  static_assert(kGives<void, std::future<void> (*)()>);
  static_assert(kGives<std::unique_ptr<int>, std::unique_ptr<int> (*)()>);
  static_assert(kGives<int*, int* (*)()>);
  static_assert(kGives<bool, bool (*)()>);
  static_assert(kGives<std::error_code, std::error_code (*)()>);
}

TEST(RunVoid, ACallThatReturnsNothingSucceedsUnlessItThrows) {
  Rig rig;
  const Called<void> done = rig.run([] {});
  EXPECT_TRUE(done);
  EXPECT_EQ(done.outcome(), Outcome::success);
  const auto broken = rig.run([] { throw std::runtime_error("broken"); });
  EXPECT_FALSE(broken);
  EXPECT_TRUE(broken.failed());
  EXPECT_EQ(explain(broken.error), "ended in failure after 1 attempt: broken");
  EXPECT_EQ(rig.totals().success, 1U);
  EXPECT_EQ(rig.totals().failure, 1U);
}

TEST(RunVoid, AFallbackDoesSomethingInstead) {
  Rig rig;
  int queued = 0;
  Fallback<void> fallback;
  fallback.add("mail", [](const CallError&) { return false; }).add("queue", [&](const CallError&) { ++queued; });
  const auto fails = [] { throw std::runtime_error("broken"); };
  const Called<void> called = run(rig.pipeline, {}, fallback, fails, rig.env);
  EXPECT_TRUE(called);
  EXPECT_TRUE(called.failed());
  EXPECT_EQ(*called.source, "queue");
  EXPECT_EQ(queued, 1);
  EXPECT_TRUE(run(
      rig.pipeline, {}, fallback, [] {}, rig.env));
  EXPECT_EQ(queued, 1);
}

TEST(RunVoid, AFutureOrAResultOfNothing) {
  Rig rig;
  std::promise<void> kept;
  kept.set_value();
  EXPECT_TRUE(rig.run([&] { return kept.get_future(); }));
  EXPECT_TRUE(rig.run([] { return Result<void>(); }));
  const auto called = rig.run([] { return Result<void>(Error{"disk full"}); });
  EXPECT_FALSE(called);
  EXPECT_EQ(called.error.message, "disk full");
}

TEST(RunValue, FalseNullAndASetErrorCodeAreFailures) {
  Rig rig;
  EXPECT_FALSE(rig.run([] { return false; }));
  EXPECT_FALSE(rig.run([] { return static_cast<const char*>(nullptr); }));
  EXPECT_FALSE(rig.run([] { return std::unique_ptr<int>(); }));
  EXPECT_FALSE(rig.run([] { return std::shared_ptr<int>(); }));
  EXPECT_FALSE(run<std::string>(
      rig.pipeline, {}, [] { return static_cast<const char*>(nullptr); }, rig.env));
  const auto code = rig.run([] { return std::make_error_code(std::errc::connection_refused); });
  EXPECT_FALSE(code);
  EXPECT_EQ(code.value, std::errc::connection_refused);
  EXPECT_EQ(code.error.message, "Connection refused");
  EXPECT_FALSE(rig.run([] { return std::errc::io_error; }));
  EXPECT_EQ(rig.totals().failure, 7U);

  EXPECT_TRUE(rig.run([] { return true; }));
  EXPECT_TRUE(rig.run([] { return std::make_unique<int>(1); }));
  EXPECT_TRUE(rig.run([] { return std::error_code(); }));
  EXPECT_TRUE(rig.run([] { return 0; })) << "a number has no meaning of its own";
  EXPECT_TRUE(rig.run([] { return std::optional<bool>(false); })) << "there is an answer, and it is no";
  EXPECT_EQ(rig.totals().success, 5U);
}

TEST(RunValue, TheTextOfAResultsErrorReachesTheCallerAndTheFallback) {
  Rig rig;
  const auto call = [] { return Result<Page>(Error{"no route to host"}); };
  EXPECT_EQ(explain(rig.run(call).error), "ended in failure after 1 attempt: no route to host");
  std::string told;
  Fallback<Page> fallback;
  fallback.add("asks", [&](const CallError& error) {
    told = error.message;
    return std::optional<Page>(Page{});
  });
  EXPECT_TRUE(run(rig.pipeline, {}, fallback, call, rig.env));
  EXPECT_EQ(told, "no route to host");
}

TEST(RunValue, AFailedReplysValueIsThereBesideTheError) {
  Rig rig;
  const auto call = [] { return Reply<Page>{.value = Page{503}, .sample = {.outcome = Outcome::failure}}; };
  const auto called = rig.run(call);
  EXPECT_FALSE(called);
  EXPECT_TRUE(called.failed());
  EXPECT_EQ(called.value, Page{503});
  EXPECT_EQ(called.error.outcome, Outcome::failure);
  const auto other = run(rig.pipeline, {}, rig.sorry, call, rig.env);
  EXPECT_TRUE(other);
  EXPECT_TRUE(other.failed());
  EXPECT_EQ(other.value, Page{599}) << "the fallback wins over a failed value";
}

TEST(RunValue, AFailedReplysValueOutlivesARefusedRetry) {
  Rig rig;
  ConcurrencyLimit one({.algorithm = LimitAlgorithm::fixed, .initial = 1, .minimum = 1});
  rig.pipeline.retry = &rig.retry;
  rig.pipeline.concurrency = &one;
  std::optional<Slot> taken;
  struct Env : ManualEnv {
    void sleep(Duration) { *slot = one->try_acquire(); }
    ConcurrencyLimit* one;
    std::optional<Slot>* slot;
  } env{{&rig.clock}, &one, &taken};
  const auto call = [] { return Reply<Page>{.value = Page{503}, .sample = {.outcome = Outcome::failure}}; };
  const auto called = run(rig.pipeline, {}, call, env);
  EXPECT_EQ(called.error.refused_by, RefusedBy::concurrency_limit);
  EXPECT_FALSE(called);
  EXPECT_EQ(called.value, Page{503});
}

TEST(RunValue, AnIgnoredOutcomeIsFinalAndItsValueWins) {
  for (const Outcome outcome : {Outcome::ignored, Outcome::cancelled}) {
    Rig rig;
    rig.pipeline.retry = &rig.retry;
    int calls = 0;
    const auto call = [&] {
      ++calls;
      return Reply<Page>{.value = Page{404}, .sample = {.outcome = outcome}};
    };
    const auto called = run(rig.pipeline, {}, rig.sorry, call, rig.env);
    EXPECT_TRUE(called);
    EXPECT_FALSE(called.failed());
    EXPECT_EQ(called.value, Page{404});
    EXPECT_EQ(called.source, nullptr);
    EXPECT_EQ(called.outcome(), outcome);
    EXPECT_EQ(calls, 1);
  }
}

TEST(RunValue, WithoutAValueOfItsOwnAnIgnoredCallAsksTheFallback) {
  Rig rig;
  const auto call = [] { return Reply<Page>{.sample = {.outcome = Outcome::ignored}}; };
  EXPECT_EQ(run(rig.pipeline, {}, rig.sorry, call, rig.env).value, Page{599});
  EXPECT_FALSE(rig.run(call));
}

TEST(RunTime, AnAnswerAfterTheLimitIsATimeoutToThePoliciesAndIsHandedOver) {
  Rig rig;
  rig.pipeline.retry = &rig.retry;
  const auto called = run(rig.pipeline, {}, rig.sorry, rig.after(milliseconds(300), Page{}), rig.env);
  EXPECT_TRUE(called);
  EXPECT_TRUE(called.late);
  EXPECT_FALSE(called.failed());
  EXPECT_EQ(called.value, Page{200});
  EXPECT_EQ(called.outcome(), Outcome::timeout);
  EXPECT_EQ(called.error.attempts, 1U) << "what is there is not asked for again";
  EXPECT_EQ(rig.totals().timeout, 1U);
  EXPECT_EQ(rig.totals().success, 0U);
}

TEST(RunTime, AnAnswerAtTheLimitIsInTime) {
  Rig rig;
  EXPECT_FALSE(rig.run(rig.after(milliseconds(50), Page{})).late);
  EXPECT_TRUE(rig.run(rig.after(milliseconds(50) + Duration(1), Page{})).late);
}

TEST(RunTime, TheRuleHoldsForEveryKindOfAnswer) {
  Rig rig;
  EXPECT_TRUE(rig.run(rig.after(milliseconds(60), std::optional<Page>(Page{}))).late);
  EXPECT_TRUE(rig.run(rig.after(milliseconds(60), Reply<Page>{.value = Page{}})).late);
  EXPECT_TRUE(rig.run([&] { rig.clock.advance(milliseconds(60)); }).late);
  EXPECT_FALSE(rig.run(rig.after(milliseconds(60), false)).late) << "a failure is no answer, early or late";
  EXPECT_EQ(rig.totals().timeout, 4U);
  // By arrival: this thread looked late, the callee was not.
  const Reply<Page> judged{.value = Page{}, .sample = {.upstream = milliseconds(20), .rescued = true}};
  EXPECT_FALSE(rig.run(rig.after(milliseconds(60), judged)).late);
  EXPECT_EQ(rig.totals().success, 1U);
}

TEST(RunTime, TheDeadlineIsALimitToo) {
  Rig rig;
  const CallInfo info{.deadline = Deadline::in(milliseconds(10), rig.clock.now())};
  EXPECT_TRUE(run(rig.pipeline, info, rig.after(milliseconds(20), Page{}), rig.env).late);
}

TEST(RunTime, AReplyWithoutATimeOfItsOwnIsTimedByTheClock) {
  Rig rig;
  AdaptiveTimeout timeout({.warm_up = 1});
  rig.pipeline.timeout = &timeout;
  for (int i = 0; i < 200; ++i) (void)rig.run(rig.after(milliseconds(40), Reply<Page>{.value = Page{}}));
  EXPECT_GT(timeout.timeout(), milliseconds(60)) << "it used to learn 0 ms";
}

TEST(RunTime, AFutureThatIsReadyWhenTheWaitEndsIsInTimeHoweverLateWeLook) {
  Rig rig;
  rig.env.stall = milliseconds(300);
  std::promise<Page> kept;
  kept.set_value({});
  const auto called = rig.run([&] { return kept.get_future(); });
  EXPECT_TRUE(called);
  EXPECT_FALSE(called.late);
  EXPECT_EQ(rig.totals().success, 1U);
}

TEST(RunTime, AFutureThatIsComputedWhenAskedForIsACallLikeAnyOther) {
  Rig rig;
  const auto call = [&] { return std::async(std::launch::deferred, rig.after(milliseconds(300), Page{})); };
  EXPECT_TRUE(rig.run(call).late);
  EXPECT_EQ(rig.totals().timeout, 1U);
}

TEST(RunFallback, ASourceThatThrowsHasNoAnswerAndTheNextIsAsked) {
  Rig rig;
  Fallback<Page> fallback;
  fallback.add("cache", [](const CallError&) -> std::optional<Page> { throw std::runtime_error("cache is down"); });
  const auto call = [] { return std::optional<Page>(); };
  const auto nothing = run(rig.pipeline, {}, fallback, call, rig.env);
  EXPECT_FALSE(nothing);
  EXPECT_THROW(std::rethrow_exception(nothing.thrown), std::runtime_error);
  fallback.add_value("sorry", Page{599});
  const auto called = run(rig.pipeline, {}, fallback, call, rig.env);
  EXPECT_EQ(called.value, Page{599});
  EXPECT_EQ(*called.source, "sorry");
  EXPECT_EQ(called.thrown, nullptr);
}

TEST(RunFallback, WhatTheCallThrewIsKeptBeforeWhatTheFallbackThrew) {
  Rig rig;
  Fallback<Page> fallback;
  fallback.add("cache", [](const CallError&) -> std::optional<Page> { throw std::runtime_error("cache is down"); });
  const auto called = run(
      rig.pipeline, {}, fallback, []() -> Page { throw std::logic_error("first"); }, rig.env);
  EXPECT_THROW(std::rethrow_exception(called.thrown), std::logic_error);
}

TEST(RunFallback, TheObserverIsToldTheSource) {
  struct Names : Observer {
    void on_fallback(const std::string& source, const CallError&) override { seen = source; }
    std::string seen;
  } names;
  Rig rig;
  rig.pipeline.observer = &names;
  (void)run(
      rig.pipeline, {}, rig.sorry, [] { return std::optional<Page>(); }, rig.env);
  EXPECT_EQ(names.seen, "sorry");
}

// Neither copied nor default-constructible.
struct Handle {
  explicit Handle(int number) : fd(std::make_unique<int>(number)) {}
  std::unique_ptr<int> fd;
};

TEST(RunMoveOnly, ValuesAreMovedThroughFromEveryKindOfCall) {
  Rig rig;
  EXPECT_EQ(*rig.run([] { return Handle(1); }).value->fd, 1);
  EXPECT_EQ(*rig.run([] { return std::optional<Handle>(Handle(2)); }).value->fd, 2);
  EXPECT_EQ(*rig.run([] { return Result<Handle>(Handle(3)); }).value->fd, 3);
  EXPECT_EQ(*rig.run([] { return Reply<Handle>{.value = Handle(4)}; }).value->fd, 4);
  std::promise<Handle> kept;
  kept.set_value(Handle(5));
  EXPECT_EQ(*rig.run([&] { return kept.get_future(); }).value->fd, 5);
  Fallback<Handle> fallback;
  fallback.add("other", [](const CallError&) { return std::optional<Handle>(Handle(6)); });
  EXPECT_EQ(*run(
                 rig.pipeline, {}, fallback, [] { return std::optional<Handle>(); }, rig.env)
                 .value->fd,
            6);
  EXPECT_EQ(*rig.run([] { return Handle(7); }, [](const Handle&) { return Outcome::success; }).value->fd, 7);
  EXPECT_EQ(*rig.run([own = std::make_unique<int>(8)] { return Handle(*own); }).value->fd, 8);
}

}  // namespace
}  // namespace quoll::core
