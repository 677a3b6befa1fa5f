// core's co_run() on Asio's coroutines, with net's AsioEnv: two modules that may not know each other meet here.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
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

}  // namespace
}  // namespace quoll
