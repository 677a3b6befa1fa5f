// AsioEnv: the real clock and a timer of an Asio executor, for coroutines that take both as one argument (core's
// co_run()).
//
//   AsioEnv(worker.executor())                                                   for net::Task
//   AsioEnv<asio::any_io_executor>(co_await asio::this_coro::executor)           for asio::awaitable
//
// Loop-confined.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "quoll/net/executor.h"

namespace quoll::net {

template <typename On = Executor>
class AsioEnv {
 public:
  explicit AsioEnv(On executor) : executor_(std::move(executor)) {}

  static TimePoint now() { return steady_now(); }

  asio::awaitable<void, On> sleep(Duration time) const {
    using Clock = std::chrono::steady_clock;
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, On> timer(executor_, time);
    co_await timer.async_wait(asio::use_awaitable_t<On>());
  }

  // Whether this coroutine was told to end, by its cancellation slot.
  asio::awaitable<bool, On> cancelled() const {
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
  }

 private:
  On executor_;
};

}  // namespace quoll::net
