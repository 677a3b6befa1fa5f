#include "quoll/testing/scripted_stream.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

namespace quoll::testing {

namespace {

constexpr std::size_t kRead = 0;
constexpr std::size_t kWrite = 1;

}  // namespace

void OtherEnd::send(std::string bytes) {
  if (bytes.empty() || closed_) return;
  inbox_.push_back({std::move(bytes), loop_.now()});
  ++sent_;
  stir();
}

void OtherEnd::end() {
  ended_ = true;
  stir();
}

void OtherEnd::reset() {
  reset_ = true;
  inbox_.clear();
  stir();
}

void OtherEnd::take_more(std::size_t bytes) {
  room += bytes;
  stir();
}

void OtherEnd::abandon() {
  for (auto& waiting : waiting_) waiting.drop();
}

void OtherEnd::stir() {
  net::asio::post(loop_.executor, [self = shared_from_this()] {
    if (self->stream_ != nullptr) self->stream_->stirred();
  });
}

void OtherEnd::tell_received() {
  net::asio::post(loop_.executor, [self = shared_from_this()] {
    if (self->on_received) self->on_received(*self);
  });
}

ScriptedStream::ScriptedStream(net::Loop& on, std::shared_ptr<OtherEnd> far, std::string name, FailNth* faults)
    : Stream(on), far_(std::move(far)), name_(std::move(name)), faults_(faults) {
  far_->stream_ = this;
}

ScriptedStream::~ScriptedStream() {
  far_->stream_ = nullptr;
  far_->closed_ = true;
}

bool ScriptedStream::fails(const char* operation) {
  if (faults_ != nullptr && faults_->next(name_ + " " + operation)) broken_ = true;
  return broken_;
}

net::ReadResult ScriptedStream::try_read(std::span<char> into) {
  net::ReadResult out;
  out.read_at = out.arrived_at = loop().now();
  out.status = net::IoStatus::error;
  if (!open_) return out.error = EBADF, out;
  if (fails("read") || far_->reset_) return out.error = ECONNRESET, out;
  std::size_t taken = 0;
  while (taken < into.size() && !far_->inbox_.empty()) {
    OtherEnd::Piece& piece = far_->inbox_.front();
    const std::size_t n = std::min(into.size() - taken, piece.bytes.size());
    std::memcpy(into.data() + taken, piece.bytes.data(), n);
    taken += n;
    out.arrived_at = std::max(piece.arrived_at, earliest_arrival());
    piece.bytes.erase(0, n);
    if (piece.bytes.empty()) far_->inbox_.pop_front();
  }
  const bool empty = far_->inbox_.empty();
  drained_ = empty && !far_->ended_;
  if (taken > 0) {
    out.status = net::IoStatus::ok;
    out.stamped = true;
    out.bytes = taken;
  } else {
    out.status = far_->ended_ ? net::IoStatus::eof : net::IoStatus::would_block;
  }
  return out;
}

net::WriteResult ScriptedStream::write_now(std::span<iovec>& pieces) {
  net::WriteResult out;
  out.began_at = out.sent_at = loop().now();
  if (!open_ || fails("write") || far_->reset_) {
    out.status = net::IoStatus::error;
    out.error = open_ ? EPIPE : EBADF;
    return out;
  }
  while (!pieces.empty()) {
    iovec& piece = pieces.front();
    const std::size_t n = std::min(piece.iov_len, far_->room);
    far_->received.append(static_cast<const char*>(piece.iov_base), n);
    if (far_->room != SIZE_MAX) far_->room -= n;
    out.bytes += n;
    piece.iov_base = static_cast<char*>(piece.iov_base) + n;
    piece.iov_len -= n;
    if (piece.iov_len > 0) break;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) out.status = net::IoStatus::would_block;
  if (out.bytes > 0) far_->tell_received();
  return out;
}

net::Stream::Peek ScriptedStream::peek() {
  if (!open_ || fails("peek") || far_->reset_) return Peek::closed;
  drained_ = far_->inbox_.empty() && !far_->ended_;
  if (drained_) return Peek::quiet;
  return far_->inbox_.empty() ? Peek::closed : Peek::readable;
}

net::Stream::Peer ScriptedStream::peer_state() {
  if (!open_ || broken_ || far_->reset_) return Peer::gone;
  return far_->ended_ ? Peer::finished : Peer::connected;
}

void ScriptedStream::watch(Watcher watcher, void* self) {
  watcher_ = watcher;
  watcher_self_ = self;
}

void ScriptedStream::shutdown_send() {
  far_->sending_ended_ = true;
}

void ScriptedStream::close() {
  if (!open_) return;
  open_ = false;
  far_->closed_ = far_->sending_ended_ = true;
  far_->stir();
}

void ScriptedStream::abort() {
  if (open_) far_->was_reset_ = true;
  close();
}

bool ScriptedStream::ready(Direction what) const {
  if (!open_ || broken_ || far_->reset_) return true;
  return what == Direction::write ? far_->room > 0 : !far_->inbox_.empty() || far_->ended_;
}

void ScriptedStream::stirred() {
  for (const std::size_t i : {kRead, kWrite}) {
    // The one that runs may destroy this.
    const std::shared_ptr<OtherEnd> far = far_;
    if (far->waiting_[i] && ready(static_cast<Direction>(i))) {
      far->waiting_[i].call({});
      if (far->stream_ == nullptr) return;
    } else if (i == kRead && watcher_ != nullptr && ready(Direction::read)) {
      watcher_(watcher_self_);
      if (far->stream_ == nullptr) return;
    }
  }
}

void ScriptedStream::interrupt(Direction what) {
  net::asio::post(loop().executor, [far = far_, i = static_cast<std::size_t>(what)] {
    if (far->waiting_[i]) far->waiting_[i].call(net::asio::error::operation_aborted);
  });
}

net::Task<bool> ScriptedStream::wait(Direction what, net::Deadline& deadline) {
  for (;;) {
    if (ready(what)) co_return true;
    loop().deadlines.set(deadline, deadline.at());
    co_await net::asio::async_initiate<decltype(net::kAwait), void(boost::system::error_code)>(
        [this, what](auto handler) { far_->waiting_[static_cast<std::size_t>(what)].set(std::move(handler)); },
        net::kAwait);
    deadline.clear();
    if (ready(what)) co_return true;
    if (deadline.at() != net::kNever && loop().now() >= deadline.at()) co_return false;
  }
}

std::pair<std::unique_ptr<ScriptedStream>, std::shared_ptr<OtherEnd>> scripted_stream(net::Loop& loop, std::string name,
                                                                                      FailNth* faults) {
  auto far = std::make_shared<OtherEnd>(loop);
  auto stream = std::make_unique<ScriptedStream>(loop, far, std::move(name), faults);
  return {std::move(stream), std::move(far)};
}

net::Task<net::Connector::Result> ScriptedConnector::connect(net::TcpEndpoint, TimePoint, net::DeadlinePolicy policy) {
  const int error = fails_with != 0 ? fails_with : faults_ != nullptr && faults_->next("connect") ? fault : 0;
  if (error != 0) co_return Result{nullptr, net::IoStatus::error, error};
  auto [stream, far] = scripted_stream(loop_, "upstream", faults_);
  stream->set_deadline_policy(policy);
  if (on_connect) on_connect(*far, static_cast<int>(made.size()));
  made.push_back(far);
  co_return Result{std::move(stream), net::IoStatus::ok, 0};
}

}  // namespace quoll::testing
