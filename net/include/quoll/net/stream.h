// Stream: a connection as its user sees it: reads that say when the bytes arrived, and deadlines that look
// before they speak. StampedSocket is a plain TCP connection; a test's is testing/scripted_stream.h.
//
// An ordinary timeout means "my timer ran before my read did", and a process that is short of CPU runs both late, in
// any order. Here a deadline that passes only wakes the reader. The reader then looks once more: bytes that are there
// are returned as data with their arrival time, and only an empty stream is reported as `deadline`. That is written
// once, over the few operations that kinds of streams differ in.
//
// One coroutine may read while another one writes; never two of the same kind. Loop-confined, neither copied nor moved.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

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

class Stream {
 public:
  explicit Stream(Loop& loop) : loop_(loop) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What is there now, without waiting.
  virtual ReadResult try_read(std::span<char> into) = 0;
  // What is taken now: `ok` when that was everything, else `would_block`; `pieces` is left with the rest. Nearly always
  // enough; try it first, where a Task is worth avoiding.
  virtual WriteResult write_now(std::span<iovec>& pieces) = 0;

  // Reads at least one byte by the deadline. With wait_first the first look, which would find nothing when a request
  // has only just been sent, is saved.
  Task<ReadResult> read(std::span<char> into, TimePoint deadline, bool wait_first = false);
  // Writes everything by the deadline.
  Task<WriteResult> write(std::span<iovec> pieces, TimePoint deadline);
  // Waits until there may be something to read (true, also for EOF and errors) or the deadline has passed (false). It
  // may be wrong: a read that would block is to be expected.
  Task<bool> wait_readable(TimePoint deadline);
  Task<bool> wait_writable(TimePoint deadline);
  // Gives the read or wait_readable that is under way another deadline: when something else has just happened that its
  // time counts from, such as the end of the request. Without one under way, nothing.
  void move_read_deadline(TimePoint deadline);

  // Arrivals are clamped to [earliest, now]: the time the request left, for an answer. Default: no bound.
  void set_earliest_arrival(TimePoint earliest) { earliest_ = earliest; }
  void set_deadline_policy(DeadlinePolicy policy) { policy_ = policy; }

  // Looks at an idle connection without consuming anything.
  enum class Peek : std::uint8_t { quiet, readable, closed };
  virtual Peek peek() = 0;
  // Whether the last read or peek left the stream empty; peek() need not be asked then, unless time has passed.
  bool drained() const { return drained_; }

  // Calls `watcher` from the loop whenever bytes or the end of the connection may have come while nobody waits to read;
  // it may come for nothing, and may destroy the stream. unwatch() ends it; a read that waits goes first.
  using Watcher = void (*)(void* self);
  virtual void watch(Watcher watcher, void* self) = 0;
  virtual void unwatch() = 0;

  // What is known of the peer, whether or not there are bytes before its end. `finished`: it sends no more; it may have
  // closed, or read on. `gone`: a reset, or the connection was given up.
  enum class Peer : std::uint8_t { connected, finished, gone };
  virtual Peer peer_state() = 0;

  // Has a silent peer probed, from 15 s on: one that is no more, or knows nothing of the connection any more, ends it
  // within about a minute.
  virtual void keep_alive() = 0;
  virtual void shutdown_send() = 0;
  // Closes; a reader or writer that waits is woken with an error. `abort` sends a reset instead of an orderly end.
  virtual void close() = 0;
  virtual void abort() = 0;
  virtual bool is_open() const = 0;

  Loop& loop() { return loop_; }

 protected:
  enum class Direction : std::uint8_t { read, write };
  // Waits for readiness, the end of the stream (both true) or the deadline (false), which may be moved meanwhile.
  virtual Task<bool> wait(Direction what, Deadline& deadline) = 0;
  virtual bool reader_waits() const = 0;
  // The deadline of this direction has passed: wakes who waits.
  virtual void interrupt(Direction what) = 0;

  TimePoint earliest_arrival() const { return earliest_; }

  // The last read or peek left the stream empty, so that what comes next comes with an edge.
  bool drained_ = false;

 private:
  static void wake_reader(void* self) { static_cast<Stream*>(self)->interrupt(Direction::read); }
  static void wake_writer(void* self) { static_cast<Stream*>(self)->interrupt(Direction::write); }

  Loop& loop_;
  Deadline read_deadline_{&Stream::wake_reader, this};
  Deadline write_deadline_{&Stream::wake_writer, this};
  TimePoint earliest_{};
  DeadlinePolicy policy_ = DeadlinePolicy::look_first;
};

}  // namespace quoll::net
