#include "quoll/net/edge_wait.h"

#include <boost/asio/post.hpp>

namespace quoll::net {

// The operation's handler. Destroyed before it was called, with its loop, it takes the reader along.
class EdgeWait::Arrived {
 public:
  explicit Arrived(StatePtr state) : state_(std::move(state)) {}
  Arrived(Arrived&&) noexcept = default;
  Arrived& operator=(Arrived&&) = delete;
  ~Arrived() {
    if (state_) state_->reader.drop();
  }
  void operator()(const boost::system::error_code& error) { completed(StatePtr(std::move(state_)), error); }

 private:
  StatePtr state_;
};

class EdgeWait::Interrupted {
 public:
  explicit Interrupted(StatePtr state) : state_(std::move(state)) {}
  Interrupted(Interrupted&&) noexcept = default;
  Interrupted& operator=(Interrupted&&) = delete;
  ~Interrupted() {
    if (state_) state_->reader.drop();
  }
  void operator()() {
    const StatePtr state = std::move(state_);
    if (state->reader) state->reader.call(asio::error::operation_aborted);
  }

 private:
  StatePtr state_;
};

EdgeWait::EdgeWait(TcpSocket socket) : socket_(std::move(socket)), state_(new State) {
  state_->owner = this;
}

EdgeWait::~EdgeWait() {
  state_->owner = nullptr;
}

void EdgeWait::arm() {
  if (armed_) return;
  armed_ = true;
  socket_.wait_edge(Arrived(state_));
}

void EdgeWait::interrupt() {
  if (state_->reader) asio::post(socket_.get_executor(), Interrupted(state_));
}

void EdgeWait::watch(Watcher watcher, void* self) {
  watcher_ = watcher;
  watcher_self_ = self;
  if (socket_.is_open()) arm();
}

void EdgeWait::completed(const StatePtr& state, const boost::system::error_code& error) {
  if (state->owner != nullptr) return state->owner->completed(error);
  if (state->reader) state->reader.call(error);
}

void EdgeWait::completed(const boost::system::error_code& error) {
  armed_ = false;
  const bool open = socket_.is_open();
  // Cancelled, it was for the sake of a writer.
  if (error == asio::error::operation_aborted && open) {
    if (state_->reader || watcher_ != nullptr) arm();
    return;
  }
  const StatePtr state = state_;
  if (state_->reader) {
    state_->reader.call(error);
  } else {
    missed_ = true;
    if (watcher_ == nullptr || !open) return;
    watcher_(watcher_self_);
  }
  if (state->owner == nullptr || watcher_ == nullptr || !socket_.is_open()) return;
  if (EdgeSocket::kTellsEachEdgeOnce) arm();
}

}  // namespace quoll::net
