// Breaker: the circuit breaker. Calls pass while it is closed; when too many fail it opens and refuses at once; after a
// while it lets a few trials through (half_open), and closes again when they succeed.
//
//            failure rate, slow-call rate, or consecutive failures reach their limit
//   closed ------------------------------------------------------------------------> open
//     ^                                                        a trial fails  ^        |
//     +------------------------------- half_open -----------------------------+        |
//        enough trials succeed             ^          or half_open_max passes          |
//                                          +-------------------------------------------+
//                                                reset_timeout passes, next try_acquire
//
// Use: try_acquire(now) gives a Permit or a Rejection. A permit is handed back by record() with what became of the
// call. A permit that is dropped is a cancelled call: it frees its place on every way out and never moves the state.
// The window counts it at the latest time that the breaker was told.
//
// Time is an argument and should be monotonic; a `now` that is a little behind another thread's is well.
//
// Generations: each transition begins a new one, and a permit remembers its own. The outcome of an older generation is
// counted in the totals and can neither open, close, nor fill the window: a slow call from before the trip never
// decides a trial.
//
// Transitions are values. Each is returned exactly once, to the one caller whose call caused it, who logs and counts
// it; nothing is called back under a lock.
//
// Cost: closed, a call is one load in try_acquire and one compare-exchange on the thread's own cache line in record;
// no allocation. Transitions, half_open and count windows take a lock. docs/decisions/0001 has the counters' design.
//
// Thread-safe, all of it; shared by all workers. A Permit belongs to one thread at a time and must not outlive its
// breaker; that of a breaker from a registry may (breaker_registry.h). A moved-from Breaker may only be destroyed or
// assigned to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/core/breaker_options.h"
#include "quoll/core/breaker_types.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

namespace internal {
class BreakerCore;
struct ReleaseCore {
  void operator()(BreakerCore* core) const;
};
}  // namespace internal

// The right to make one call. Move-only; dropping it cancels the call.
class [[nodiscard]] Permit {
 public:
  Permit(Permit&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)),
        generation_(other.generation_),
        shard_(other.shard_),
        trial_(other.trial_),
        given_at_(other.given_at_) {}
  Permit& operator=(Permit&& other) noexcept;
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() {
    if (core_ != nullptr) cancel();
  }

  // A trial of half_open: the caller may want to send something cheap, or not to retry it.
  bool trial() const { return trial_; }
  std::uint32_t generation() const { return generation_; }

 private:
  friend class internal::BreakerCore;
  Permit(internal::BreakerCore* core, std::uint32_t generation, std::uint16_t shard, bool trial, TimePoint now)
      : core_(core), generation_(generation), shard_(shard), trial_(trial), given_at_(now) {}
  void cancel() noexcept;

  internal::BreakerCore* core_;  // null once recorded or moved from
  std::uint32_t generation_;
  std::uint16_t shard_;
  bool trial_;
  TimePoint given_at_;  // a permit that is dropped has no other time
};

// The answer to try_acquire.
struct [[nodiscard]] Admission {
  // Not an aggregate: that would clear the unused room for a transition on every call.
  explicit Admission(Permit granted) : permit(std::move(granted)) {}
  explicit Admission(Rejection refused) : rejection(refused) {}

  std::optional<Permit> permit;
  Rejection rejection;  // meaningful without a permit
  std::optional<Transition> transition;

  bool admitted() const { return permit.has_value(); }
  explicit operator bool() const { return admitted(); }
};

class Breaker {
 public:
  // Fails with all faults of the options in one message. The seed drives jitter and the ramp. The name appears in
  // snapshots.
  static Result<Breaker> create(const BreakerOptions& options, std::uint64_t seed, std::string name = "default");
  Breaker(Breaker&&) noexcept;
  Breaker& operator=(Breaker&&) noexcept;
  ~Breaker();

  // May a call be made now? The transition, if any, is open -> half_open or half_open -> open (expired). `shard` says
  // which counters the caller uses: any number; best the worker's index, then workers share nothing.
  Admission try_acquire(TimePoint now) { return try_acquire(now, this_thread_shard()); }
  Admission try_acquire(TimePoint now, unsigned shard);

  // What became of it. The permit is used up. A permit of another breaker is our own bug, but for a registry's: then it
  // is told to the breaker that gave it, which may have been evicted.
  [[nodiscard]] std::optional<Transition> record(Permit&& permit, const Sample& sample, TimePoint now);

  // Takes or gives back control by hand. Leaving a mode for automatic starts closed with an empty window. Nothing
  // happens when that mode is in force already.
  [[nodiscard]] std::optional<Transition> force(Mode mode, TimePoint now);
  // Closes it by hand and empties the window, in mode automatic, from any state; nothing when it is closed already.
  [[nodiscard]] std::optional<Transition> close(TimePoint now);
  // Opens it by hand, in mode automatic, from any state; trials follow after reset_timeout. Nothing when it is open
  // already.
  [[nodiscard]] std::optional<Transition> open(TimePoint now);
  // What time alone brings about: half_open expires when its trial hangs. Call it once a second or so; try_acquire does
  // the same.
  [[nodiscard]] std::optional<Transition> poll(TimePoint now);

  // Our own process stood still for so long, until now. Evidence only.
  void note_local_stall(Duration stall, TimePoint now);

  // The rates are taken over at least so many calls, and the minimum volume counts them: for a caller that counts a
  // call when it begins and not only when it is over. Said anew as the number changes. Default 0; the
  // largest number means that no rate is looked at.
  void count_begun(std::uint32_t calls);

  // How long try_acquire would go on refusing, were nobody else to call: zero when it may admit, Duration::max() when
  // nobody knows (forced_open, or all trials are under way). A look, which takes and counts nothing.
  Duration refuses_for(TimePoint now) const;

  // One atomic load each.
  State state() const;
  std::uint32_t generation() const;

  // These allocate and lock; for status pages, not for every call.
  Snapshot snapshot(TimePoint now) const;
  // The last kJournal transitions, oldest first.
  std::vector<Transition> journal() const;

  const BreakerOptions& options() const;
  const std::string& name() const;
  // Everything this breaker owns, itself included; at most 4 KiB with the default options.
  std::size_t memory_bytes() const;

  static constexpr std::size_t kJournal = 16;

  // A small number of the calling thread's own, given out in order of first use.
  static unsigned this_thread_shard();

 private:
  friend class BreakerRegistry;
  using Core = std::unique_ptr<internal::BreakerCore, internal::ReleaseCore>;
  explicit Breaker(Core core);
  // From here on a permit keeps what it needs of the breaker alive. Before the first call.
  void pin_by_permits();

  Core core_;
};

}  // namespace quoll::core
