// Batch and Mailbox: how the loops hand what they saw to the thread that reports it, once a second and not per request.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"
#include "quoll/lab/loadgen/report.h"

namespace quoll::lab::loadgen {

// One finished request, for the request log. A time of zero is a thing that did not happen.
struct LogRow {
  std::uint64_t number = 0;      // from 1; the id is made of it
  std::uint64_t connection = 0;  // a number for each connection opened; 0 is none
  TimePoint intended;
  TimePoint sent;
  TimePoint first_byte;
  TimePoint done;
  unsigned status = 0;  // 0: see error
  Fallback fallback = Fallback::none;
  ErrorKind error = ErrorKind::connect;  // meaningful when status is 0
};

// The counts of one loop since its last batch.
struct Batch {
  unsigned worker = 0;
  std::uint64_t tick = 0;                               // which second of the run, from 0
  std::uint64_t next_tick = 0;                          // this loop has no more to say about any second before this one
  bool last = false;                                    // nor about any other
  Stats counted;                                        // requests of the report
  Stats warm;                                           // requests of the warm-up
  std::vector<LogRow> rows;                             // empty unless a request log is kept
  bool idle_tried = false;                              // idle mode: all of this loop's connections were tried
  std::size_t idle_open = 0;                            // and so many are open
  TimePoint ended;                                      // in the last one: when the loop ended
  TimePoint counted_until;                              // in the last one: where the counted time ends
  std::array<std::string, kErrorKinds> error_examples;  // in the last one
};

// Thread-safe. Holds at most one second of batches for each loop as long as the reader keeps up.
class Mailbox {
 public:
  void put(Batch batch) {
    {
      const MutexLock lock(mutex_);
      batches_.push_back(std::move(batch));
    }
    ready_.notify_one();
  }
  // Waits until there is something, and takes all of it.
  std::vector<Batch> take() {
    const MutexLock lock(mutex_);
    while (batches_.empty()) ready_.wait(mutex_);
    return std::exchange(batches_, {});
  }

 private:
  Mutex mutex_;
  std::condition_variable_any ready_;
  std::vector<Batch> batches_ QUOLL_GUARDED_BY(mutex_);
};

}  // namespace quoll::lab::loadgen
