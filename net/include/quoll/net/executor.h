// Executor, Task and spawn: the concrete Asio types that all of Quoll's coroutines run on.
//
// One worker is one io_context on one thread, so everything that a Task touches is loop-confined and needs no lock. The
// executor is the io_context's own type, never any_io_executor: type erasure costs an indirect call and an allocation
// on each operation of the hot path.
#pragma once

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#error "Asio is compiled into quoll::net: link that CMake target, or compile with `pkg-config --cflags quoll-net`"
#endif

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <utility>

#include "quoll/base/time.h"

namespace quoll::net {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

template <typename T>
using Task = asio::awaitable<T, Executor>;

// Completion token: `auto [error, ...] = co_await op(kAwait);` without an exception and without a coroutine frame.
inline constexpr auto kAwait = asio::as_tuple(asio::deferred);

// "For ever", as a deadline.
inline constexpr TimePoint kNever = TimePoint::max();

// Runs a task on the executor's thread. What escapes from it is our own bug, and ends the process.
inline void spawn(const Executor& executor, Task<void> task) {
  asio::co_spawn(executor, std::move(task), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace quoll::net
