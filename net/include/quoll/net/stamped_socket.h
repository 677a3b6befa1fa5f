// StampedSocket: a TCP connection whose reads say when the kernel received the bytes.
//
// stamped_read.h has the meaning of a stamp, and when there is none.
//
// Loop-confined, neither copied nor moved.
#pragma once

#include "quoll/net/edge_wait.h"
#include "quoll/net/stamped_read.h"
#include "quoll/net/stream.h"

namespace quoll::net {

class StampedSocket final : public Stream {
 public:
  // Takes an open, non-blocking socket. Stamps must have been switched on (Listener and connect do).
  StampedSocket(Loop& loop, TcpSocket socket) : Stream(loop), edge_(std::move(socket)) {}

  // One recvmsg.
  ReadResult try_read(std::span<char> into) override;
  WriteResult write_now(std::span<iovec>& pieces) override;
  Peek peek() override;
  // No system call: one that is waited for before or after shares the reactor's operation with the watcher.
  void watch(Watcher watcher, void* self) override { edge_.watch(watcher, self); }
  void unwatch() override { edge_.unwatch(); }
  // Asks TCP.
  Peer peer_state() override;
  void keep_alive() override;
  void shutdown_send() override;
  void close() override;
  void abort() override;
  bool is_open() const override { return socket().is_open(); }

  int native_handle() { return socket().native_handle(); }

 private:
  Task<bool> wait(Direction what, Deadline& deadline) override;
  bool reader_waits() const override { return edge_.reader_waits(); }
  void interrupt(Direction what) override;
  EdgeSocket& socket() { return edge_.socket(); }
  const EdgeSocket& socket() const { return edge_.socket(); }

  EdgeWait edge_;
};

}  // namespace quoll::net
