#include "quoll/core/coroutine.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/testing/manual_clock.h"

namespace quoll::core {
namespace {

using std::chrono::milliseconds;
using testing::ManualClock;

// The smallest Task there is: lazy, resumes who awaits it, and destroys with it what it waits for.
template <typename T>
class Task {
 public:
  struct promise_type {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Resume {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
          return ended.promise().awaiter ? ended.promise().awaiter : std::noop_coroutine();
        }
        void await_resume() noexcept {}
      };
      return Resume{};
    }
    void return_value(T returned) { value.emplace(std::move(returned)); }
    void unhandled_exception() { thrown = std::current_exception(); }

    std::coroutine_handle<> awaiter = nullptr;
    std::optional<T> value;
    std::exception_ptr thrown;
  };
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) {
    handle_.promise().awaiter = awaiter;
    return handle_;
  }
  T await_resume() { return take(); }

  void start() { handle_.resume(); }
  bool done() const { return handle_.done(); }
  T take() {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
    return std::move(*handle_.promise().value);
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

// What a coroutine waits for: resumed by the test. The awaiter is a value of its own, since gcc 12 copies awaiters.
struct Gate {
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  struct Awaiter {
    Gate* gate;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { gate->waiter = handle; }
    void await_resume() const {}
  };
  Awaiter pass() { return {this}; }
  void open() { std::exchange(waiter, nullptr).resume(); }

  std::coroutine_handle<> waiter = nullptr;
};

struct Rig {
  ManualClock clock;
  RetryPolicy retry{{}, nullptr, 1};
  ConcurrencyLimit concurrency{ConcurrencyLimitOptions{.algorithm = LimitAlgorithm::fixed}};
  Breaker breaker = Breaker::create({}, 1).value();
  Pipeline pipeline{.retry = &retry, .concurrency = &concurrency, .breaker = &breaker};
  Fallback<std::string> fallback;
  Gate answer;  // what the call waits for
  Gate timer;   // what the back-off waits for
  std::vector<Transition> seen;
  bool gone = false;

  struct Env {
    Rig* rig;
    TimePoint now() const { return rig->clock.now(); }
    Gate::Awaiter sleep(Duration time) {
      rig->clock.advance(time);
      return rig->timer.pass();
    }
    Task<bool> cancelled() { co_return rig->gone; }
    void transition(const Transition& transition) { rig->seen.push_back(transition); }
  };
  template <typename Call>
  Task<Called<std::string>> run(Call call) {
    return co_run<Task>(pipeline, {}, fallback, std::move(call), Env{this});
  }
};

TEST(CoRun, WaitsForTheCallAndGivesItsAnswer) {
  Rig rig;
  auto task = rig.run([&]() -> Task<std::string> {
    co_await rig.answer.pass();
    co_return "page";
  });
  task.start();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(rig.concurrency.in_flight(), 1U);
  rig.clock.advance(milliseconds(5));
  rig.answer.open();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take().value, "page");
  EXPECT_NEAR(to_millis(rig.breaker.snapshot(rig.clock.now()).mean), 5, 0.06);
}

TEST(CoRun, TriesAgainAfterTheBackOffAndHoldsNothingMeanwhile) {
  Rig rig;
  int calls = 0;
  auto task = rig.run([&]() -> Task<std::optional<std::string>> {
    if (++calls == 1) co_return std::nullopt;
    co_return "page";
  });
  task.start();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  rig.timer.open();
  EXPECT_EQ(task.take().value, "page");
  EXPECT_EQ(calls, 2);
}

TEST(CoRun, AnExceptionIsAFailureAndTransitionsAreTold) {
  Rig rig;
  rig.pipeline.retry = nullptr;
  rig.fallback.add_value("sorry", "later");
  for (int i = 0; i < 6; ++i) {
    auto task = rig.run([]() -> Task<std::string> {
      throw std::runtime_error("broken");
      co_return "";
    });
    task.start();
    const Called<std::string> called = task.take();
    EXPECT_EQ(called.value, "later");
    EXPECT_EQ(called.thrown == nullptr, i == 5) << "the sixth is refused";
  }
  ASSERT_EQ(rig.seen.size(), 1U);
  EXPECT_EQ(rig.seen[0].to, State::open);
}

TEST(CoRun, WhatACancelledCoroutineThrowsIsNotHeldAgainstTheCallee) {
  Rig rig;
  rig.gone = true;
  auto task = rig.run([]() -> Task<std::string> {
    throw std::runtime_error("operation aborted");
    co_return "";
  });
  task.start();
  EXPECT_THROW((void)task.take(), std::runtime_error);
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.failure, 0U);
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.cancelled, 1U);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
}

TEST(CoRun, HasTheSameWaysToBeCalledAsRun) {
  Rig rig;
  const auto finished = [](auto task) {
    task.start();
    EXPECT_TRUE(task.done());
    return task.take();
  };
  const Rig::Env env{&rig};
  const auto page = []() -> Task<std::string> { co_return "page"; };
  const auto missing = []() -> Task<std::string> {
    throw std::invalid_argument("no such page");
    co_return "";
  };
  const auto ignore = [](const std::invalid_argument&) { return Outcome::ignored; };
  rig.fallback.add_value("sorry", "later");
  const Called<std::string> plain = finished(co_run<Task>(rig.pipeline, {}, page, env));
  EXPECT_EQ(plain.value, "page");
  EXPECT_EQ(finished(co_run<Task, std::string>(rig.pipeline, {}, page, env)).value, "page");
  EXPECT_EQ(finished(co_run<Task>(rig.pipeline, {}, missing, ignore, env)).outcome(), Outcome::ignored);
  EXPECT_EQ(finished(co_run<Task>(rig.pipeline, {}, rig.fallback, missing, ignore, env)).value, "later");
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.ignored, 2U);
}

TEST(CoRun, MovesWhatCannotBeCopied) {
  Rig rig;
  auto task = co_run<Task>(
      rig.pipeline, {}, []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); }, Rig::Env{&rig});
  task.start();
  EXPECT_EQ(**task.take().value, 5);
}

TEST(CoRun, WithoutAWayToCutACallOffALateAnswerIsATimeoutAndHandedOver) {
  Rig rig;
  rig.pipeline.fixed_timeout = milliseconds(50);
  auto task = rig.run([&rig]() -> Task<std::string> {
    rig.clock.advance(milliseconds(300));
    co_return "page";
  });
  task.start();
  const Called<std::string> called = task.take();
  EXPECT_TRUE(called.late);
  EXPECT_EQ(called.value, "page");
  EXPECT_EQ(rig.breaker.snapshot(rig.clock.now()).totals.timeout, 1U);
}

// Cancellation: wherever a coroutine waits when it is destroyed, everything comes back.
TEST(CoRun, ACoroutineThatIsDestroyedAnywhereGivesEverythingBack) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Rng rng(seed);
    std::vector<std::unique_ptr<Rig>> gates;
    Rig shared;
    {
      std::vector<Task<Called<std::string>>> tasks;
      for (int i = 0; i < 20; ++i) {
        gates.push_back(std::make_unique<Rig>());
        Rig& own = *gates.back();
        own.pipeline = shared.pipeline;
        tasks.push_back(own.run([&own, &rng]() -> Task<std::optional<std::string>> {
          co_await own.answer.pass();
          if (rng.chance(0.5)) co_return std::nullopt;
          co_return "page";
        }));
        tasks.back().start();
        while (!tasks.back().done() && rng.chance(0.7)) (own.answer.waiter ? own.answer : own.timer).open();
      }
    }
    RC_ASSERT(shared.concurrency.in_flight() == 0U);
    RC_ASSERT(shared.breaker.snapshot(shared.clock.now()).trials_in_flight == 0U);
  }));
}

}  // namespace
}  // namespace quoll::core
