// EdgeWait: a socket's wait for its next edge, as one operation in the reactor that a reader and a watcher share.
//
// A connection is read from now and rests then; while it rests somebody wants to hear of bytes and of its end all the
// same. To cancel one operation and start another at each change would cost both on every request. So the operation
// stays in the reactor, and when the edge comes, the reader that waits is resumed, or else the watcher is called.
//
// The operation may outlive the EdgeWait: it completes, and before its turn in the loop comes, another handler destroys
// the connection. So it holds on to a state of its own, in which the EdgeWait is then missing. A reader that is
// suspended belongs to the operation, as it would to one of its own: a loop that is destroyed destroys it.
//
// Loop-confined, neither copied nor moved.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <utility>

#include "quoll/base/assert.h"
#include "quoll/net/edge_socket.h"
#include "quoll/net/pending_handler.h"

namespace quoll::net {

class EdgeWait {
 public:
  using Watcher = void (*)(void* self);

  explicit EdgeWait(TcpSocket socket);
  ~EdgeWait();
  EdgeWait(const EdgeWait&) = delete;
  EdgeWait& operator=(const EdgeWait&) = delete;

  EdgeSocket& socket() { return socket_; }
  const EdgeSocket& socket() const { return socket_; }

  // Completes with an error_code: none when an edge has come; operation_aborted by interrupt() and by the socket being
  // closed. One reader at a time.
  template <typename Token>
  auto wait(Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler) {
          QUOLL_ASSERT(!state_->reader);
          state_->reader.set(std::move(handler));
          arm();
        },
        token);
  }
  bool reader_waits() const { return static_cast<bool>(state_->reader); }
  // Resumes the reader, if one waits, from the loop.
  void interrupt();

  // `watcher` is called from the loop at each edge that no reader waits for, until unwatch(). It may destroy this.
  void watch(Watcher watcher, void* self);
  void unwatch() { watcher_ = nullptr; }

  // Whether an edge has come, since the last question, that no reader waited for: the socket may have become readable.
  bool take_missed() { return std::exchange(missed_, false); }

 private:
  struct State : boost::intrusive_ref_counter<State, boost::thread_unsafe_counter> {
    EdgeWait* owner;  // null once it is gone
    internal::PendingHandler reader;
  };
  using StatePtr = boost::intrusive_ptr<State>;
  class Arrived;
  class Interrupted;

  void arm();
  void completed(const boost::system::error_code& error);
  static void completed(const StatePtr& state, const boost::system::error_code& error);

  EdgeSocket socket_;
  StatePtr state_;
  Watcher watcher_ = nullptr;
  void* watcher_self_ = nullptr;
  bool armed_ = false;
  bool missed_ = false;
};

}  // namespace quoll::net
