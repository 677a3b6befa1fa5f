// ScriptedStream: a connection without a socket. The code under test has the stream, the test its other end.
//
//   auto [stream, far] = scripted_stream(loop.loop(), nullptr);
//   far->send("HTTP/1.1 200 OK\r\n\r\n");   // arrives now, by the loop's time
//   far->on_received = [](OtherEnd& far) { ... far.received ... };
//
// It behaves as a TCP connection does: bytes that lie in it are read at once, with the arrival of the last one; those
// in front of an end or a reset come first (a reset drops them); what is written after the peer is gone fails.
//
// Loop-confined, to a ScriptedLoop.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "quoll/net/connector.h"
#include "quoll/net/edge_wait.h"
#include "quoll/net/stream.h"

namespace quoll::testing {

// Fails one operation of those that share it, the n-th from 0: a read, a write, a look or a connect.
class FailNth {
 public:
  explicit FailNth(int n) : n_(n) {}

  // `what` names the operation. True: it fails.
  bool next(const std::string& what) {
    const bool fails = count_++ == n_;
    if (fails) failed_ = what;
    return fails;
  }
  // From here on nothing fails.
  void disarm() { n_ = -1; }
  // The operation that failed; empty: there were fewer.
  const std::string& failed() const { return failed_; }

 private:
  int n_;
  int count_ = 0;
  std::string failed_;
};

class ScriptedStream;

class OtherEnd : public std::enable_shared_from_this<OtherEnd> {
 public:
  explicit OtherEnd(net::Loop& loop) : loop_(loop) {}

  // These arrive now.
  void send(std::string bytes);
  void end();
  void reset();

  // How often something was sent.
  std::size_t sent() const { return sent_; }

  // All that the stream has written.
  std::string received;
  // Called from the loop after something was written.
  std::function<void(OtherEnd&)> on_received;
  // Bytes that are taken before a write must wait; grow it with take_more.
  std::size_t room = SIZE_MAX;
  void take_more(std::size_t bytes);

  // What the stream has done: an orderly end of its sending, all of it, or a reset.
  bool sending_ended() const { return sending_ended_; }
  bool closed() const { return closed_; }
  bool was_reset() const { return was_reset_; }

  // Ends the reader and the writer that still wait for the stream, by destroying it: for a test's end.
  void abandon();

 private:
  friend class ScriptedStream;
  struct Piece {
    std::string bytes;
    TimePoint arrived_at;
  };

  void stir();
  void tell_received();

  net::Loop& loop_;
  ScriptedStream* stream_ = nullptr;  // while there is one
  std::deque<Piece> inbox_;
  std::size_t sent_ = 0;
  bool ended_ = false;
  bool reset_ = false;
  bool sending_ended_ = false;
  bool closed_ = false;
  bool was_reset_ = false;
  std::array<net::internal::PendingHandler, 2> waiting_;  // by Stream::Direction
};

class ScriptedStream final : public net::Stream {
 public:
  // `name` is how its operations are called in `faults`, which may be null and outlives it.
  ScriptedStream(net::Loop& loop, std::shared_ptr<OtherEnd> far, std::string name, FailNth* faults);
  ~ScriptedStream() override;

  net::ReadResult try_read(std::span<char> into) override;
  net::WriteResult write_now(std::span<iovec>& pieces) override;
  Peek peek() override;
  void watch(Watcher watcher, void* self) override;
  void unwatch() override { watcher_ = nullptr; }
  Peer peer_state() override;
  void keep_alive() override {}
  void shutdown_send() override;
  void close() override;
  void abort() override;
  bool is_open() const override { return open_; }

 private:
  friend class OtherEnd;
  net::Task<bool> wait(Direction what, net::Deadline& deadline) override;
  bool reader_waits() const override { return static_cast<bool>(far_->waiting_[0]); }
  void interrupt(Direction what) override;

  bool fails(const char* operation);
  bool ready(Direction what) const;
  // Something has come, or there is room: from the loop.
  void stirred();

  const std::shared_ptr<OtherEnd> far_;
  const std::string name_;
  FailNth* const faults_;
  Watcher watcher_ = nullptr;
  void* watcher_self_ = nullptr;
  bool open_ = true;
  bool broken_ = false;  // an operation failed: so do all others
};

// A stream and its other end.
std::pair<std::unique_ptr<ScriptedStream>, std::shared_ptr<OtherEnd>> scripted_stream(net::Loop& loop, std::string name,
                                                                                      FailNth* faults);

// Makes scripted connections.
class ScriptedConnector final : public net::Connector {
 public:
  explicit ScriptedConnector(net::Loop& loop, FailNth* faults = nullptr) : loop_(loop), faults_(faults) {}

  net::Task<Result> connect(net::TcpEndpoint to, TimePoint deadline, net::DeadlinePolicy policy) override;

  // What the next connection's other end does; called before anything is sent. Null: it only listens.
  std::function<void(OtherEnd&, int nth)> on_connect;
  // errno that connecting fails with; 0: it does not.
  int fails_with = 0;
  // That a fault of `faults` is.
  int fault = ECONNREFUSED;

  // The other ends so far.
  std::deque<std::shared_ptr<OtherEnd>> made;

 private:
  net::Loop& loop_;
  FailNth* faults_;
};

}  // namespace quoll::testing
