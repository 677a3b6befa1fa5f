// AsioEnv: the real clock, a timer and a time limit of an Asio executor, for coroutines that take them as one argument
// (core's co_run()).
//
//   AsioEnv(worker.executor())                                                   for net::Task
//   AsioEnv<asio::any_io_executor>(co_await asio::this_coro::executor)           for asio::awaitable
//
// Loop-confined.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "quoll/net/executor.h"

namespace quoll::net {

template <typename On = Executor>
class AsioEnv {
 public:
  // What a task of T brings.
  template <typename T>
  using Kept = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  explicit AsioEnv(On executor) : executor_(std::move(executor)) {}

  static TimePoint now() { return steady_now(); }

  asio::awaitable<void, On> sleep(Duration time) const {
    Timer timer(executor_, time);
    co_await timer.async_wait(asio::use_awaitable_t<On>());
  }

  // Awaits the task. At the limit it is cancelled, by its cancellation slot, and awaited to its end, since it may refer
  // to what its caller holds: then nothing, or what it brought all the same. What it throws before is thrown on, and
  // when this coroutine is cancelled, so is the task. A limit of a year or more is none. Allocates.
  template <typename T>
  asio::awaitable<std::optional<Kept<T>>, On> within(Duration limit, asio::awaitable<T, On> task) const {
    std::optional<Kept<T>> brought;
    std::exception_ptr thrown;
    if (limit >= std::chrono::hours(24 * 365)) {
      co_await attempt<T>(std::move(task), brought, thrown);
      if (thrown) std::rethrow_exception(thrown);
      co_return brought;
    }
    Timer timer(executor_, limit);
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor_, attempt<T>(std::move(task), brought, thrown), asio::deferred),
        timer.async_wait(asio::deferred));
    // The first to end cancels the other, and both are waited for.
    const auto [order, lost, unexpired] =
        co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable_t<On>());
    if (brought) co_return brought;
    if (!unexpired) co_return std::nullopt;
    std::rethrow_exception(thrown ? thrown : lost);
  }

  // Whether this coroutine was told to end, by its cancellation slot.
  asio::awaitable<bool, On> cancelled() const {
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, On>;

  // Ends in any case: a group would wait for the other after an exception.
  template <typename T>
  static asio::awaitable<void, On> attempt(asio::awaitable<T, On> task, std::optional<Kept<T>>& brought,
                                           std::exception_ptr& thrown) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        brought.emplace();
      } else {
        brought.emplace(co_await std::move(task));
      }
    } catch (...) {
      thrown = std::current_exception();
    }
  }

  On executor_;
};

}  // namespace quoll::net
