// core's co_run() on Asio's coroutines, with net's AsioEnv: two modules that may not know each other meet here.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "quoll/core/coroutine.h"
#include "quoll/net/asio_env.h"

namespace quoll {
namespace {

namespace asio = boost::asio;
using core::Called;

struct Rig {
  core::RetryPolicy retry{{.base = std::chrono::milliseconds(1)}, nullptr, 1};
  core::ConcurrencyLimit concurrency{{.algorithm = core::LimitAlgorithm::fixed}};
  core::Breaker breaker = core::Breaker::create({}, 1).value();
  core::Pipeline pipeline{.retry = &retry, .concurrency = &concurrency, .breaker = &breaker};
  core::Fallback<std::string> fallback;
  core::LifetimeTotals totals() const { return breaker.snapshot(steady_now()).totals; }
};

TEST(CoRunOnAsio, TriesAgainOnATimerOfTheLoop) {
  Rig rig;
  asio::io_context context;
  int calls = 0;
  std::optional<Called<std::string>> called;
  net::spawn(context.get_executor(), [](Rig& with, int& count, auto& result, auto executor) -> net::Task<void> {
    const auto call = [&]() -> net::Task<std::optional<std::string>> {
      if (++count < 3) co_return std::nullopt;
      co_return "page";
    };
    result = co_await core::co_run<net::Task>(with.pipeline, {}, with.fallback, call, net::AsioEnv(executor));
  }(rig, calls, called, context.get_executor()));
  context.run();
  EXPECT_EQ(called->value, "page");
  EXPECT_EQ(calls, 3);
}

// What users write who have not chosen an executor type.
TEST(CoRunOnAsio, WorksWithAsiosOwnAwaitable) {
  Rig rig;
  asio::io_context context;
  std::optional<Called<std::string>> called;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const net::AsioEnv<asio::any_io_executor> env(co_await asio::this_coro::executor);
        const auto call = [](Duration) -> asio::awaitable<std::string> { co_return "page"; };
        called = co_await core::co_run<asio::awaitable>(rig.pipeline, {}, rig.fallback, call, env);
      },
      [](std::exception_ptr thrown) { EXPECT_EQ(thrown, nullptr); });
  context.run();
  EXPECT_EQ(called->value, "page");
}

// The call waits for ever, and throws operation_aborted when it is cancelled: the callee must not get the blame.
TEST(CoRunOnAsio, CancellingItGivesEverythingBackAndBlamesNobody) {
  Rig rig;
  asio::io_context context;
  asio::cancellation_signal signal;
  std::exception_ptr thrown;
  const net::AsioEnv env(context.get_executor());
  const auto call = [&]() -> net::Task<std::string> {
    co_await env.sleep(std::chrono::hours(1));
    co_return "too late";
  };
  asio::co_spawn(context.get_executor(), core::co_run<net::Task>(rig.pipeline, {}, rig.fallback, call, env),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&](std::exception_ptr error, const Called<std::string>&) { thrown = error; }));
  asio::post(context, [&] {
    EXPECT_EQ(rig.concurrency.in_flight(), 1U);
    signal.emit(asio::cancellation_type::terminal);
  });
  context.run();
  EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.totals().cancelled, 1U);
  EXPECT_EQ(rig.totals().failure, 0U);
}

TEST(CoRunOnAsio, ALoopThatIsDestroyedUnderItGivesEverythingBack) {
  Rig rig;
  {
    asio::io_context context;
    const net::AsioEnv env(context.get_executor());
    net::spawn(context.get_executor(), [](Rig& with, auto on) -> net::Task<void> {
      const auto call = [&]() -> net::Task<std::string> {
        co_await on.sleep(std::chrono::hours(1));
        co_return "too late";
      };
      (void)co_await core::co_run<net::Task>(with.pipeline, {}, with.fallback, call, on);
    }(rig, env));
    context.poll();
    EXPECT_EQ(rig.concurrency.in_flight(), 1U);
  }
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.totals().cancelled, 1U);
}

// What a test gives co_run, on a loop of its own, until it is done.
template <typename Call>
Called<std::string> run_on_a_loop(const core::Pipeline& pipeline, Call call) {
  asio::io_context context;
  std::optional<Called<std::string>> called;
  net::spawn(context.get_executor(),
             [](const core::Pipeline& with, auto what, auto& result, auto on) -> net::Task<void> {
               result = co_await core::co_run<net::Task>(with, {}, std::move(what), net::AsioEnv(on));
             }(pipeline, std::move(call), called, context.get_executor()));
  context.run();
  return *std::move(called);
}

net::Task<void> wait_for(Duration time) {
  const net::AsioEnv<> env(co_await asio::this_coro::executor);
  co_await env.sleep(time);
}

constexpr Duration kLimit = std::chrono::milliseconds(20);

TEST(CoRunOnAsio, ACallIsCutOffAtItsLimit) {
  Rig rig;
  rig.pipeline.retry = nullptr;
  rig.pipeline.fixed_timeout = kLimit;
  const TimePoint began = steady_now();
  const auto called = run_on_a_loop(rig.pipeline, []() -> net::Task<std::string> {
    co_await wait_for(std::chrono::hours(1));
    co_return "never";
  });
  EXPECT_LT(steady_now() - began, std::chrono::seconds(10));
  EXPECT_FALSE(called);
  EXPECT_EQ(called.outcome(), core::Outcome::timeout);
  EXPECT_EQ(called.thrown, nullptr) << "the cancellation is ours, and no answer of the callee";
  EXPECT_EQ(rig.totals().timeout, 1U);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
}

TEST(CoRunOnAsio, ACallOfVoidIsCutOffToo) {
  Rig rig;
  rig.pipeline.retry = nullptr;
  rig.pipeline.fixed_timeout = kLimit;
  asio::io_context context;
  std::optional<Called<void>> slow;
  std::optional<Called<void>> fast;
  net::spawn(context.get_executor(), [](Rig& with, auto& late, auto& early, auto on) -> net::Task<void> {
    const net::AsioEnv env(on);
    late = co_await core::co_run<net::Task>(
        with.pipeline, {}, [] { return wait_for(std::chrono::hours(1)); }, env);
    early = co_await core::co_run<net::Task>(
        with.pipeline, {}, [] { return wait_for({}); }, env);
  }(rig, slow, fast, context.get_executor()));
  context.run();
  EXPECT_FALSE(*slow);
  EXPECT_EQ(slow->outcome(), core::Outcome::timeout);
  EXPECT_TRUE(*fast);
}

TEST(CoRunOnAsio, ATimeoutIsTriedAgain) {
  Rig rig;
  rig.pipeline.fixed_timeout = kLimit;
  int calls = 0;
  const auto called = run_on_a_loop(rig.pipeline, [&calls]() -> net::Task<std::string> {
    if (++calls == 1) co_await wait_for(std::chrono::hours(1));
    co_return "page";
  });
  EXPECT_EQ(called.value, "page");
  EXPECT_EQ(calls, 2);
}

TEST(CoRunOnAsio, WhatAThrownCallThrowsIsNotWaitedForUntilTheLimit) {
  Rig rig;
  rig.pipeline.retry = nullptr;
  rig.pipeline.fixed_timeout = std::chrono::hours(1);
  const auto called = run_on_a_loop(rig.pipeline, []() -> net::Task<std::string> {
    throw std::runtime_error("broken");
    co_return "";
  });
  EXPECT_EQ(called.outcome(), core::Outcome::failure);
  EXPECT_EQ(called.error.message, "broken");
}

// It catches the cancellation and answers all the same.
TEST(CoRunOnAsio, AnAnswerThatComesAfterTheLimitIsHandedOverAsLate) {
  Rig rig;
  rig.pipeline.fixed_timeout = kLimit;
  const auto called = run_on_a_loop(rig.pipeline, []() -> net::Task<std::string> {
    try {
      co_await wait_for(std::chrono::hours(1));
    } catch (const boost::system::system_error&) {
    }
    co_return "half a page";
  });
  EXPECT_TRUE(called);
  EXPECT_TRUE(called.late);
  EXPECT_EQ(called.value, "half a page");
  EXPECT_EQ(called.error.attempts, 1U);
  EXPECT_EQ(rig.totals().timeout, 1U);
}

// It may find the answer in its socket when it looks there.
TEST(CoRunOnAsio, ACallThatJudgesByArrivalIsNotCutOff) {
  Rig rig;
  rig.pipeline.fixed_timeout = std::chrono::milliseconds(1);
  const auto called = run_on_a_loop(rig.pipeline, [](Duration limit) -> net::Task<core::Reply<std::string>> {
    co_await wait_for(std::chrono::milliseconds(20));
    co_return core::Reply<std::string>{.value = "page", .sample = {.upstream = limit / 2, .rescued = true}};
  });
  EXPECT_EQ(called.value, "page");
  EXPECT_FALSE(called.late);
  EXPECT_EQ(rig.totals().rescued, 1U);
}

TEST(CoRunOnAsio, CancellingItUnderALimitGivesEverythingBackAndBlamesNobody) {
  Rig rig;
  rig.pipeline.fixed_timeout = std::chrono::hours(1);
  asio::io_context context;
  asio::cancellation_signal signal;
  std::exception_ptr thrown;
  const net::AsioEnv env(context.get_executor());
  const auto call = [&]() -> net::Task<std::string> {
    co_await env.sleep(std::chrono::hours(1));
    co_return "too late";
  };
  asio::co_spawn(context.get_executor(), core::co_run<net::Task>(rig.pipeline, {}, rig.fallback, call, env),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&](std::exception_ptr error, const Called<std::string>&) { thrown = error; }));
  asio::post(context, [&] {
    asio::post(context, [&] {
      EXPECT_EQ(rig.concurrency.in_flight(), 1U);
      signal.emit(asio::cancellation_type::terminal);
    });
  });
  context.run();
  ASSERT_NE(thrown, nullptr);
  EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.totals().cancelled, 1U);
  EXPECT_EQ(rig.totals().timeout + rig.totals().failure, 0U);
}

TEST(CoRunOnAsio, ALoopThatIsDestroyedUnderALimitGivesEverythingBack) {
  Rig rig;
  rig.pipeline.fixed_timeout = std::chrono::hours(1);
  {
    asio::io_context context;
    const net::AsioEnv env(context.get_executor());
    net::spawn(context.get_executor(), [](Rig& with, auto on) -> net::Task<void> {
      const auto call = [&]() -> net::Task<std::string> {
        co_await on.sleep(std::chrono::hours(1));
        co_return "too late";
      };
      (void)co_await core::co_run<net::Task>(with.pipeline, {}, with.fallback, call, on);
    }(rig, env));
    context.poll();
    EXPECT_EQ(rig.concurrency.in_flight(), 1U);
  }
  EXPECT_EQ(rig.concurrency.in_flight(), 0U);
  EXPECT_EQ(rig.totals().cancelled, 1U);
}

TEST(CoRunOnAsio, WithAsiosOwnAwaitableACallIsCutOffToo) {
  Rig rig;
  rig.pipeline.retry = nullptr;
  rig.pipeline.fixed_timeout = kLimit;
  asio::io_context context;
  std::optional<Called<std::unique_ptr<int>>> called;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const net::AsioEnv<asio::any_io_executor> env(co_await asio::this_coro::executor);
        const auto call = [&env](Duration) -> asio::awaitable<std::unique_ptr<int>> {
          co_await env.sleep(std::chrono::hours(1));
          co_return std::make_unique<int>(1);
        };
        called = co_await core::co_run<asio::awaitable>(rig.pipeline, {}, call, env);
      },
      [](std::exception_ptr thrown) { EXPECT_EQ(thrown, nullptr); });
  context.run();
  EXPECT_EQ(called->outcome(), core::Outcome::timeout);
}

}  // namespace
}  // namespace quoll
