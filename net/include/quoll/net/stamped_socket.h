// StampedSocket: a TCP connection whose reads say when the kernel received the bytes, and whose deadlines look into the
// socket before they speak.
//
// An ordinary timeout means "my timer ran before my read did", and a process that is short of CPU runs both late, in
// any order. Here a deadline that passes only wakes the reader. The reader then calls recvmsg once more: bytes that the
// kernel has are returned as data with their arrival time, and only an empty socket is reported as `deadline`.
//
// What a stamp tells, and when there is none: stamped_read.h.
//
// One coroutine may read while another one writes; never two of the same kind. Loop-confined, neither copied nor moved.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "quoll/net/edge_wait.h"
#include "quoll/net/loop.h"
#include "quoll/net/stamped_read.h"

namespace quoll::net {

struct WriteResult {
  IoStatus status = IoStatus::ok;
  int error = 0;
  std::size_t bytes = 0;  // handed to the kernel, also when the status is not ok
  TimePoint began_at{};   // just before the first byte was handed over
  TimePoint sent_at{};    // when the last byte was handed over; see send_time.h
};

// What a deadline that has passed means for bytes that are in the socket.
enum class DeadlinePolicy : std::uint8_t {
  look_first,  // they are data: the verdict is the caller's, by their arrival
  timer_wins,  // it is a timeout, whatever is there: what other software does; kept for comparison
};

class StampedSocket {
 public:
  // Takes an open, non-blocking socket. Stamps must have been switched on (Listener and connect do).
  StampedSocket(Loop& loop, TcpSocket socket);
  StampedSocket(const StampedSocket&) = delete;
  StampedSocket& operator=(const StampedSocket&) = delete;

  // One recvmsg, without waiting.
  ReadResult try_read(std::span<char> into);
  // Reads at least one byte by the deadline. With wait_first the first recvmsg, which would find nothing when a request
  // has only just been sent, is saved.
  Task<ReadResult> read(std::span<char> into, TimePoint deadline, bool wait_first = false);
  // Waits until there may be something to read (true, also for EOF and errors) or the deadline has passed (false). It
  // may be wrong: a read that would block is to be expected.
  Task<bool> wait_readable(TimePoint deadline);
  Task<bool> wait_writable(TimePoint deadline);

  // Gives the read or wait_readable that is under way another deadline: when something else has just happened that its
  // time counts from, such as the end of the request. Without one under way, nothing.
  void move_read_deadline(TimePoint deadline);

  // What the kernel takes now: `ok` when that was everything, else `would_block`; `pieces` is left with the rest.
  // Nearly always enough; try it first, where a Task is worth avoiding.
  WriteResult write_now(std::span<iovec>& pieces);
  // Writes everything by the deadline.
  Task<WriteResult> write(std::span<iovec> pieces, TimePoint deadline);

  // Stamps are clamped to [earliest, now]: the time the request left, for an answer. Default: no bound.
  void set_earliest_arrival(TimePoint earliest) { earliest_ = earliest; }
  void set_deadline_policy(DeadlinePolicy policy) { policy_ = policy; }

  // Looks at an idle connection without consuming anything.
  enum class Peek : std::uint8_t { quiet, readable, closed };
  Peek peek();
  // Whether the last read or peek left the socket empty; peek() need not be asked then, unless time has passed.
  bool drained() const { return drained_; }

  // Calls `watcher` from the loop whenever bytes or the end of the connection may have come while nobody waits to read;
  // it may come for nothing, and may destroy the socket. No system call, and one that is waited for before or after
  // shares the reactor's operation with it. unwatch() ends it; a read that waits goes first.
  using Watcher = EdgeWait::Watcher;
  void watch(Watcher watcher, void* self) { edge_.watch(watcher, self); }
  void unwatch() { edge_.unwatch(); }

  // What TCP knows of the peer, whether or not there are bytes before its end. `finished`: it sends no more; it may
  // have closed, or read on. `gone`: a reset, or the connection was given up.
  enum class Peer : std::uint8_t { connected, finished, gone };
  Peer peer_state();

  // Has the kernel probe a silent peer, from 15 s on: one that is no more, or knows nothing of the connection any more,
  // ends it within about a minute.
  void keep_alive();
  void shutdown_send();
  // Closes; whoever waits is woken with an error. `abort` sends a reset instead of an orderly end.
  void close();
  void abort();
  bool is_open() const { return socket().is_open(); }

  Loop& loop() { return loop_; }
  int native_handle() { return socket().native_handle(); }

 private:
  Task<bool> wait(TcpSocket::wait_type what, Deadline& deadline);
  static void wake_reader(void* self);
  static void wake_writer(void* self);
  EdgeSocket& socket() { return edge_.socket(); }
  const EdgeSocket& socket() const { return edge_.socket(); }

  Loop& loop_;
  EdgeWait edge_;
  Deadline read_deadline_{&StampedSocket::wake_reader, this};
  Deadline write_deadline_{&StampedSocket::wake_writer, this};
  // The last read or peek left the socket empty, so that what comes next comes with an edge.
  bool drained_ = false;
  TimePoint earliest_{};
  DeadlinePolicy policy_ = DeadlinePolicy::look_first;
};

}  // namespace quoll::net
