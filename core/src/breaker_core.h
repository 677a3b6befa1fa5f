// The breaker's insides (private to core): the state machine over the counters of window.h.
//
// One word, `state_`, is [generation:32 | phase:8] and is all that a call on a closed breaker reads. It changes under
// mutex_ only. The order in record() is what makes generations exact: look up the slot, read state_, add to the slot.
// A transition writes state_ first and empties the window afterwards. So who still saw the old generation holds a slot
// version that is dead or dies before the new window begins, and its add fails or goes with the old window.
//
// Lock order: mutex_, then the window's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/rng.h"
#include "quoll/core/breaker.h"
#include "ring.h"
#include "window.h"

namespace quoll::core::internal {

// State, refined by what admission has to look at. Plain closed is 0.
enum class Phase : std::uint8_t {
  closed,
  warming,  // closed, within warm_up
  ramping,  // closed, within ramp
  open,
  half_open,
  forced_open,
  disabled,
  metrics_only,
};

// What the journal keeps of a transition; the limits are put back from the options.
struct JournalEntry {
  TimePoint at{};
  Duration open_for{};
  WindowCounts counts;
  std::uint32_t generation = 0;
  std::uint32_t consecutive = 0;
  std::uint32_t stall_micros = 0;
  std::uint16_t trials_succeeded = 0;
  State from = State::closed;
  State to = State::closed;
  Reason reason = Reason::by_hand;
};

// The longest stall per eighth of the window; those above 71 minutes count as 71.
class StallMemory {
 public:
  explicit StallMemory(Duration window) : width_(std::max<Duration::rep>(1, window.count() / kParts)) {}
  void note(Duration stall, TimePoint now);
  std::uint32_t longest_micros(TimePoint now) const;

 private:
  static constexpr std::size_t kParts = 8;
  struct Part {
    std::uint32_t tick = 0;
    std::uint32_t micros = 0;
  };
  std::uint32_t tick_of(TimePoint now) const;

  Duration::rep width_;
  std::array<Part, kParts> parts_{};
};

class BreakerCore {
 public:
  BreakerCore(const BreakerOptions& options, std::uint64_t seed, std::string name);

  Admission try_acquire(TimePoint now, unsigned shard);
  std::optional<Transition> record(Permit&& permit, const Sample& sample, TimePoint now);
  void cancel(const Permit& permit);
  std::optional<Transition> force(Mode mode, TimePoint now);
  std::optional<Transition> close(TimePoint now);
  std::optional<Transition> open(TimePoint now);
  void count_begun(std::uint32_t calls) { begun_.store(calls, std::memory_order_relaxed); }
  std::optional<Transition> poll(TimePoint now);
  void note_local_stall(Duration stall, TimePoint now);

  Duration refuses_for(TimePoint now) const;
  State state() const;
  std::uint32_t generation() const { return generation_of(state_.load(std::memory_order_acquire)); }
  Snapshot snapshot(TimePoint now) const;
  std::vector<Transition> journal() const;
  const BreakerOptions& options() const { return options_; }
  const std::string& name() const { return name_; }
  std::size_t memory_bytes() const;

  // Lives until its breaker and each of its permits have let go. Costs two atomic adds a call, so it is for registries.
  void pin_by_permits() { pinned_ = true; }
  bool pinned() const { return pinned_; }
  void unpin() noexcept {
    if (pins_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  // Its breaker lets go.
  void release() noexcept {
    if (pinned_) return unpin();
    delete this;
  }

 private:
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kUnsuspected = std::numeric_limits<std::int64_t>::min();
  static constexpr unsigned kPhaseBits = 8;
  static std::uint32_t generation_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> kPhaseBits); }
  static Phase phase_of(std::uint64_t word) { return static_cast<Phase>(word & ((1U << kPhaseBits) - 1)); }
  static std::uint64_t state_word(std::uint32_t generation, Phase phase) {
    return std::uint64_t{generation} << kPhaseBits | static_cast<std::uint64_t>(phase);
  }

  Permit permit(std::uint64_t word, unsigned shard, bool trial, TimePoint now) {
    if (pinned_) pins_.fetch_add(1, std::memory_order_relaxed);
    return {this, generation_of(word), static_cast<std::uint16_t>(shard), trial, now};
  }
  Tally tally_of(const Sample& sample) const;
  double ramp_share(TimePoint now) const;

  // Admission beyond the plain phases.
  Admission acquire_slowly(std::uint64_t word, TimePoint now, unsigned shard);
  Admission acquire_ramping(std::uint64_t word, TimePoint now, unsigned shard);
  Admission acquire_warming(std::uint64_t word, TimePoint now, unsigned shard);
  Admission acquire_trial(TimePoint now, unsigned shard);
  Admission reject(RejectionReason reason, Duration retry_after, unsigned shard, TimePoint now);

  // Recording. add_current gives how many calls the slot held before, or nothing if the event could not change the
  // state: it was of an older generation, or nobody is looking. A dropped permit goes to the bucket of the latest time
  // that the breaker was told, at least that of `now`.
  enum class When : std::uint8_t { now, latest };
  std::optional<std::uint32_t> add_current(std::uint32_t generation, unsigned shard, const Tally& tally, TimePoint now,
                                           When when = When::now);
  enum class Short : std::uint8_t { not_taken, done, look };
  Short record_success(std::uint32_t generation, unsigned shard, Duration upstream, TimePoint now);
  std::optional<Transition> record_pinned(Permit&& permit, const Sample& sample, TimePoint now);
  std::optional<Transition> record_own(Permit&& permit, const Sample& sample, TimePoint now);
  std::optional<Transition> record_slowly(std::uint32_t generation, unsigned shard, bool trial, const Sample& sample,
                                          TimePoint now);
  std::optional<Transition> record_plain(std::uint32_t generation, unsigned shard, const Tally& tally, TimePoint now);
  std::optional<Transition> record_counted(std::uint32_t generation, unsigned shard, const Tally& tally, TimePoint now);
  std::optional<Transition> record_trial(std::uint32_t generation, unsigned shard, const Tally& tally, TimePoint now);
  std::uint32_t count_consecutive(std::uint32_t generation, bool failed);
  std::uint32_t consecutive() const;
  void note_suspicion(TimePoint now);
  bool suspicious(TimePoint now) const;
  bool good_call_may_open(std::uint32_t number, TimePoint now) const;
  std::optional<Reason> broken_limit(const FieldCounts& rates) const;
  std::optional<Transition> evaluate(std::uint32_t generation, TimePoint now);

  // Transitions.
  Transition move_to(State to, Reason reason, TimePoint now) QUOLL_REQUIRES(mutex_);
  std::optional<Transition> expire(TimePoint now) QUOLL_REQUIRES(mutex_);
  static std::int64_t end_of(Duration span, TimePoint now);
  void trial_ended(std::optional<TimePoint> succeeded) QUOLL_REQUIRES(mutex_);
  void learn_patience(std::uint32_t generation, TimePoint now) QUOLL_REQUIRES(mutex_);
  void become_plainly_closed() QUOLL_REQUIRES(mutex_);
  Duration next_open_time() QUOLL_REQUIRES(mutex_);
  void empty_window() QUOLL_REQUIRES(mutex_);
  WindowCounts window_counts(TimePoint now) const QUOLL_REQUIRES(mutex_);
  std::uint64_t successes(const FieldCounts& counts) const;
  Transition unpack(const JournalEntry& entry, std::uint64_t sequence) const;

  // Read by every call, written by transitions.
  alignas(64) std::atomic<std::uint64_t> state_;
  std::atomic<std::int64_t> until_{kForever};  // ns: when time ends the phase
  bool pinned_ = false;                        // each permit holds one of pins_; written before the first call
  const BreakerOptions options_;
  // Success up to this upstream time is an event of one word.
  const Duration plain_limit_;
  Window window_;
  std::unique_ptr<Ring> ring_;  // count windows; guarded by mutex_

  // Written by calls that fail.
  alignas(64) std::atomic<std::int64_t> suspicion_{kUnsuspected};  // ns of the last bad call, to a bucket's precision
  std::atomic<std::uint64_t> consecutive_{0};                      // [generation:32 | failures:32]
  std::atomic<std::uint64_t> ramp_calls_{0};
  std::atomic<std::uint32_t> begun_{0};             // as count_begun() was told
  std::atomic<std::uint32_t> trials_in_flight_{0};  // written under mutex_
  std::atomic<std::uint32_t> pins_{1};              // its breaker and, if pinned_, its permits

  mutable Mutex mutex_;
  std::uint32_t trials_succeeded_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::uint32_t reopened_ QUOLL_GUARDED_BY(mutex_) = 0;  // failed half_opens since it was last closed
  std::uint64_t sequence_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t opened_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t half_opened_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t closed_ QUOLL_GUARDED_BY(mutex_) = 0;
  // How long a trial may be under way: half_open_max, or more once one has shown that it takes longer.
  Duration patience_ QUOLL_GUARDED_BY(mutex_);
  Mode mode_ QUOLL_GUARDED_BY(mutex_);
  TimePoint since_ QUOLL_GUARDED_BY(mutex_){};
  Rng rng_ QUOLL_GUARDED_BY(mutex_);
  StallMemory stalls_ QUOLL_GUARDED_BY(mutex_);
  // Count windows: what had been rejected when the window was last emptied.
  std::uint64_t rejected_before_ QUOLL_GUARDED_BY(mutex_) = 0;
  std::array<JournalEntry, Breaker::kJournal> journal_ QUOLL_GUARDED_BY(mutex_);
  const std::uint64_t ramp_seed_;
  const std::string name_;
};

}  // namespace quoll::core::internal
