#include "quoll/net/stream.h"

namespace quoll::net {

Task<ReadResult> Stream::read(std::span<char> into, TimePoint deadline, bool wait_first) {
  bool passed = false;
  if (wait_first) passed = !co_await wait_readable(deadline);
  for (;;) {
    if (wait_first) deadline = read_deadline_.at();  // it may have been moved
    if (policy_ == DeadlinePolicy::timer_wins && (passed || loop_.now() >= deadline)) {
      co_return ReadResult{IoStatus::deadline, false, 0, 0, {}, loop_.now()};
    }
    const ReadResult result = try_read(into);
    if (result.status != IoStatus::would_block) co_return result;
    // The socket was empty after the deadline had passed: only now is it a timeout.
    if (passed) co_return ReadResult{IoStatus::deadline, false, 0, 0, {}, loop_.now()};
    passed = !co_await wait_readable(deadline);
    wait_first = true;
  }
}

Task<bool> Stream::wait_readable(TimePoint deadline) {
  read_deadline_.prepare(deadline);
  return wait(Direction::read, read_deadline_);
}

void Stream::move_read_deadline(TimePoint deadline) {
  if (reader_waits()) loop_.deadlines.set(read_deadline_, deadline);
}

Task<bool> Stream::wait_writable(TimePoint deadline) {
  write_deadline_.prepare(deadline);
  return wait(Direction::write, write_deadline_);
}

Task<WriteResult> Stream::write(std::span<iovec> pieces, TimePoint deadline) {
  std::size_t total = 0;
  bool passed = false;
  for (;;) {
    WriteResult result = write_now(pieces);
    result.bytes = total += result.bytes;
    if (result.status != IoStatus::would_block) co_return result;
    if (passed) {
      result.status = IoStatus::deadline;
      result.error = 0;
      co_return result;
    }
    // Once it has passed, one more look, and what that look can write does not buy more time.
    passed = loop_.now() >= deadline || !co_await wait_writable(deadline);
  }
}

}  // namespace quoll::net
