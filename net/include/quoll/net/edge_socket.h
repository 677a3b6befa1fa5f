// EdgeSocket: a TCP socket whose wait for readability costs no system call.
//
// Asio registers every socket edge-triggered, once. Its async_wait does not rely on that and re-arms the descriptor
// with an epoll_ctl each time: two a proxied request, 7 % of its cost. Its reads do rely on it: the reactor remembers
// in try_speculative whether an edge has come since the socket was last found exhausted. wait_edge() queues an
// operation that says "exhausted" as reads do, but reads nothing. The bargain: the caller waits only when the
// socket is known to be empty (a read that would block, TCP_INQ), or else no edge may come. A read that returned less
// than it had room for is not enough: the end of the stream that arrived together with its bytes has no edge of its
// own.
//
// The operation is built from Asio's detail namespace, which is no public interface. So it is used with exactly the
// version it was written for, Debian 12's Boost 1.81; with any other, wait_edge() is async_wait.
//
// Loop-confined.
#pragma once

#include <boost/version.hpp>

#include "quoll/net/executor.h"

#if BOOST_VERSION / 100 == 1081
#define QUOLL_EDGE_WAIT 1
#include <boost/asio/detail/bind_handler.hpp>
#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/fenced_block.hpp>
#include <boost/asio/detail/handler_alloc_helpers.hpp>
#include <boost/asio/detail/handler_work.hpp>
#include <boost/asio/detail/memory.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#endif

namespace quoll::net {

#ifdef QUOLL_EDGE_WAIT
namespace internal {

// As Asio's reactive_wait_op, but for the status it reports.
template <typename Handler>
class EdgeWaitOp : public asio::detail::reactor_op {
 public:
  BOOST_ASIO_DEFINE_HANDLER_PTR(EdgeWaitOp);

  EdgeWaitOp(Handler& handler, const Executor& executor)
      : reactor_op({}, &EdgeWaitOp::perform_wait, &EdgeWaitOp::do_complete),
        handler_(std::move(handler)),
        work_(handler_, executor) {}

 private:
  static status perform_wait(reactor_op*) { return done_and_exhausted; }

  static void do_complete(void* owner, asio::detail::operation* base, const boost::system::error_code&, std::size_t) {
    auto* const op = static_cast<EdgeWaitOp*>(base);
    ptr p = {std::addressof(op->handler_), op, op};
    asio::detail::handler_work<Handler, Executor> work(std::move(op->work_));
    // The operation's memory is given back before the handler runs, which may start the next one in it.
    asio::detail::binder1<Handler, boost::system::error_code> bound(op->handler_, op->ec_);
    p.h = std::addressof(bound.handler_);
    p.reset();
    if (owner != nullptr) {
      asio::detail::fenced_block fence(asio::detail::fenced_block::half);
      work.complete(bound, bound.handler_);
    }
  }

  Handler handler_;
  asio::detail::handler_work<Handler, Executor> work_;
};

}  // namespace internal
#endif

class EdgeSocket : public TcpSocket {
 public:
#ifdef QUOLL_EDGE_WAIT
  // False where wait_edge() completes as long as something is there to be read.
  static constexpr bool kTellsEachEdgeOnce = true;

  explicit EdgeSocket(TcpSocket socket)
      : TcpSocket(std::move(socket)),
        reactor_(asio::use_service<asio::detail::epoll_reactor>(impl_.get_executor().context())) {}
#else
  static constexpr bool kTellsEachEdgeOnce = false;

  explicit EdgeSocket(TcpSocket socket) : TcpSocket(std::move(socket)) {}
#endif

  // Completes with an error_code when an edge has come since the socket was last exhausted: it may be readable.
  // `cancel` and `close` end it with operation_aborted. One at a time.
  template <typename Token>
  auto wait_edge(Token&& token) {
#ifdef QUOLL_EDGE_WAIT
    return asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler) { this->start(std::move(handler)); }, token);
#else
    return async_wait(wait_read, std::forward<Token>(token));
#endif
  }

 private:
#ifdef QUOLL_EDGE_WAIT
  template <typename Handler>
  void start(Handler handler) {
    using Op = internal::EdgeWaitOp<Handler>;
    typename Op::ptr p = {std::addressof(handler), Op::ptr::allocate(handler), nullptr};
    p.p = new (p.v) Op(handler, get_executor());
    auto& implementation = impl_.get_implementation();
    reactor_.start_op(asio::detail::epoll_reactor::read_op, implementation.socket_, implementation.reactor_data_, p.p,
                      false, true);
    p.v = p.p = nullptr;
  }

  asio::detail::epoll_reactor& reactor_;
#endif
};

}  // namespace quoll::net
