// The path of every call. What happens when the state changes is in breaker_state.cc.
#include "quoll/core/breaker.h"

#include <algorithm>
#include <limits>

#include "breaker_core.h"
#include "quoll/base/assert.h"
#include "quoll/base/time_math.h"
#include "share.h"
#include "window_fast.h"

namespace quoll::core {

namespace internal {

namespace {

// Threads are numbered as they come; 0 is not yet.
std::atomic<unsigned> g_threads{0};
thread_local constinit unsigned t_thread = 0;

std::int64_t nanos(TimePoint now) {
  return now.time_since_epoch().count();
}

}  // namespace

Admission BreakerCore::try_acquire(TimePoint now, unsigned shard) {
  shard = window_.shard_of(shard);
  const std::uint64_t word = state_.load(std::memory_order_acquire);
  switch (phase_of(word)) {
    case Phase::closed:
    case Phase::disabled:
    case Phase::metrics_only:
      return Admission(permit(word, shard, false, now));
    case Phase::open: {
      const std::int64_t until = until_.load(std::memory_order_acquire);
      // A transition in between may have written another phase's end.
      if (nanos(now) >= until || state_.load(std::memory_order_acquire) != word) break;
      return reject(RejectionReason::open, Duration(subtract_saturating(until, nanos(now))), shard, now);
    }
    default:
      break;
  }
  return acquire_slowly(word, now, shard);
}

Admission BreakerCore::reject(RejectionReason reason, Duration retry_after, unsigned shard, TimePoint now) {
  if (!window_.try_reject(shard, now)) window_.reject(shard, now);
  return Admission(Rejection{reason, retry_after});
}

Tally BreakerCore::tally_of(const Sample& sample) const {
  Tally tally;
  CountAs counts = CountAs::success;
  switch (sample.outcome) {
    case Outcome::success:
      break;
    case Outcome::failure:
      counts = options_.failures;
      tally.delta[kFailure / 2] = kLow;
      break;
    case Outcome::timeout:
      counts = options_.timeouts;
      tally.delta[kTimeout / 2] = kHigh;
      break;
    case Outcome::cancelled:
      counts = options_.cancellations;
      tally.delta[kCancelled / 2] = kLow;
      break;
    case Outcome::ignored:
      counts = CountAs::nothing;
      tally.delta[kIgnored / 2] = kHigh;
      break;
  }
  if (sample.rescued) tally.delta[kRescued / 2] = kHigh;
  if (counts == CountAs::nothing) return tally;
  tally.delta[kCalls / 2] = counts == CountAs::failure ? kLow + kHigh : kLow;
  if (options_.slow_call_threshold > Duration::zero() && sample.upstream > options_.slow_call_threshold) {
    tally.delta[kSlow / 2] += kLow;
  }
  tally.code = latency_code(sample.upstream);
  return tally;
}

[[gnu::always_inline]] inline std::optional<Transition> BreakerCore::record_own(Permit&& used, const Sample& sample,
                                                                                TimePoint now) {
  QUOLL_ASSERT(used.core_ == this);
  used.core_ = nullptr;
  if (sample.outcome == Outcome::success && !sample.rescued && !used.trial_ && sample.upstream <= plain_limit_) {
    switch (record_success(used.generation_, used.shard_, sample.upstream, now)) {
      case Short::done:
        return std::nullopt;
      case Short::look:
        return evaluate(used.generation_, now);
      case Short::not_taken:
        break;
    }
  }
  return record_slowly(used.generation_, used.shard_, used.trial_, sample, now);
}

std::optional<Transition> BreakerCore::record(Permit&& used, const Sample& sample, TimePoint now) {
  if (pinned_) return record_pinned(std::move(used), sample, now);
  return record_own(std::move(used), sample, now);
}

// It may be the permit of an evicted breaker whose successor this is.
std::optional<Transition> BreakerCore::record_pinned(Permit&& used, const Sample& sample, TimePoint now) {
  BreakerCore* const giver = used.core_;
  QUOLL_ASSERT(giver != nullptr && giver->pinned_);
  const std::optional<Transition> transition = giver->record_own(std::move(used), sample, now);
  giver->unpin();
  return transition;
}

// What nearly every call is, in one compare-exchange. Not taken when there is more to it; then nothing was done.
BreakerCore::Short BreakerCore::record_success(std::uint32_t generation, unsigned shard, Duration upstream,
                                               TimePoint now) {
  if (static_cast<std::uint32_t>(consecutive_.load(std::memory_order_relaxed)) != 0) return Short::not_taken;
  const auto current = [this, generation] {
    const std::uint64_t word = state_.load(std::memory_order_acquire);
    return generation_of(word) == generation && phase_of(word) != Phase::disabled;
  };
  std::uint32_t number = 0;
  if (!window_.try_add_call(shard, now, upstream, current, number)) return Short::not_taken;
  return good_call_may_open(number, now) ? Short::look : Short::done;
}

// A good call can only complete the minimum volume, or be the first after a bucket of good calls expired. In both cases
// its slot holds no more calls than the minimum volume, and something bad is in the window.
bool BreakerCore::good_call_may_open(std::uint32_t number, TimePoint now) const {
  return number < options_.minimum_volume && suspicious(now);
}

std::optional<Transition> BreakerCore::record_slowly(std::uint32_t generation, unsigned shard, bool trial,
                                                     const Sample& sample, TimePoint now) {
  const Tally tally = tally_of(sample);
  // A rescue is the trace of a stall of ours, whether or not a monitor noted it.
  if (sample.rescued) note_local_stall(sample.local, now);
  if (trial) return record_trial(generation, shard, tally, now);
  if (ring_ != nullptr) return record_counted(generation, shard, tally, now);
  return record_plain(generation, shard, tally, now);
}

std::optional<std::uint32_t> BreakerCore::add_current(std::uint32_t generation, unsigned shard, const Tally& tally,
                                                      TimePoint now, When when) {
  while (true) {
    // This order matters; see breaker_core.h.
    const Window::Ticket ticket = when == When::now ? window_.open(shard, now) : window_.open_latest(shard, now);
    const std::uint64_t word = state_.load(std::memory_order_acquire);
    if (generation_of(word) != generation) {
      window_.add_direct(shard, tally);
      window_.note_stale(shard);
      return std::nullopt;
    }
    if (!ticket || phase_of(word) == Phase::disabled) {
      window_.add_direct(shard, tally);
      return std::nullopt;
    }
    const std::uint32_t number = window_.add(ticket, tally);
    if (number != Window::kGone) return number;
    window_.await_rotation();
  }
}

std::optional<Transition> BreakerCore::record_plain(std::uint32_t generation, unsigned shard, const Tally& tally,
                                                    TimePoint now) {
  const std::optional<std::uint32_t> number = add_current(generation, shard, tally, now);
  if (!number || tally.delta[kCalls / 2] == 0) return std::nullopt;
  const bool failed = tally.delta[kFailed / 2] > kHigh;
  const bool slow = (tally.delta[kSlow / 2] & kLow) != 0;
  if (options_.consecutive_failures > 0) count_consecutive(generation, failed);
  if (failed || slow) {
    note_suspicion(now);
  } else if (!good_call_may_open(*number, now)) {
    return std::nullopt;
  }
  return evaluate(generation, now);
}

// Failures in a row. Only kept if asked for: each failure writes a line that all threads read.
std::uint32_t BreakerCore::count_consecutive(std::uint32_t generation, bool failed) {
  const std::uint64_t fresh = std::uint64_t{generation} << 32U;
  std::uint64_t seen = consecutive_.load(std::memory_order_relaxed);
  while (true) {
    // An older generation must not wipe out a newer one's count. Generations begin anew after 2^32.
    if (seen != 0 && static_cast<std::int32_t>(static_cast<std::uint32_t>(seen >> 32U) - generation) > 0) return 0;
    const std::uint64_t base = (seen >> 32U) == generation ? seen : fresh;
    const std::uint64_t next = failed ? base + 1 : fresh;
    if (next == seen || consecutive_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
      return static_cast<std::uint32_t>(next);
    }
  }
}

std::uint32_t BreakerCore::consecutive() const {
  const std::uint64_t seen = consecutive_.load(std::memory_order_relaxed);
  return (seen >> 32U) == generation() ? static_cast<std::uint32_t>(seen) : 0;
}

// A bad call is counted first and noted then; a good call is counted first and looks for the note then. With sequential
// consistency one of the two sees the other, and evaluates.
void BreakerCore::note_suspicion(TimePoint now) {
  const std::int64_t last = suspicion_.load();
  if (last != kUnsuspected && subtract_saturating(nanos(now), last) < window_.bucket_width().count()) return;
  suspicion_.store(nanos(now));
}

// Whether the window may hold a failed or slow call.
bool BreakerCore::suspicious(TimePoint now) const {
  const std::int64_t last = suspicion_.load();
  return last != kUnsuspected &&
         subtract_saturating(nanos(now), last) <= options_.window.count() + 2 * window_.bucket_width().count();
}

std::optional<Reason> BreakerCore::broken_limit(const FieldCounts& rates) const {
  if (options_.consecutive_failures > 0 && consecutive() >= options_.consecutive_failures) {
    return Reason::consecutive_failures;
  }
  const std::uint32_t begun = begun_.load(std::memory_order_relaxed);
  if (begun == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;  // a large divisor leaves a rate too
  const std::uint64_t calls = std::max<std::uint64_t>(rates[kCalls], begun);
  if (options_.window_kind == WindowKind::consecutive || calls < options_.minimum_volume) return std::nullopt;
  if (reaches(rates[kFailed], calls, options_.failure_rate_threshold)) return Reason::failure_rate;
  if (options_.slow_call_threshold > Duration::zero() &&
      reaches(rates[kSlow], calls, options_.slow_call_rate_threshold)) {
    return Reason::slow_call_rate;
  }
  return std::nullopt;
}

std::optional<Transition> BreakerCore::evaluate(std::uint32_t generation, TimePoint now) {
  const Phase phase = phase_of(state_.load(std::memory_order_acquire));
  if (phase != Phase::closed && phase != Phase::ramping) return std::nullopt;
  if (!broken_limit(window_.rates(now))) return std::nullopt;
  const MutexLock lock(mutex_);
  const std::uint64_t word = state_.load(std::memory_order_relaxed);
  if (generation_of(word) != generation) return std::nullopt;  // somebody else's transition
  if (phase_of(word) != Phase::closed && phase_of(word) != Phase::ramping) return std::nullopt;
  const std::optional<Reason> reason = broken_limit(window_.rates(now));
  if (!reason) return std::nullopt;
  return move_to(State::open, *reason, now);
}

std::optional<Transition> BreakerCore::record_counted(std::uint32_t generation, unsigned shard, const Tally& tally,
                                                      TimePoint now) {
  const MutexLock lock(mutex_);
  const std::uint64_t word = state_.load(std::memory_order_relaxed);
  window_.add_direct(shard, tally);
  if (generation_of(word) != generation) {
    window_.note_stale(shard);
    return std::nullopt;
  }
  const Phase phase = phase_of(word);
  if (phase == Phase::disabled) return std::nullopt;
  ring_->push(tally);
  if (tally.delta[kCalls / 2] == 0) return std::nullopt;
  if (options_.consecutive_failures > 0) count_consecutive(generation, tally.delta[kFailed / 2] > kHigh);
  if (phase != Phase::closed && phase != Phase::ramping) return std::nullopt;
  const std::optional<Reason> reason = broken_limit(ring_->counts());
  if (!reason) return std::nullopt;
  return move_to(State::open, *reason, now);
}

}  // namespace internal

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  if (core_ != nullptr) cancel();
  core_ = std::exchange(other.core_, nullptr);
  generation_ = other.generation_;
  shard_ = other.shard_;
  trial_ = other.trial_;
  given_at_ = other.given_at_;
  return *this;
}

void Permit::cancel() noexcept {
  core_->cancel(*this);
  if (core_->pinned()) core_->unpin();
  core_ = nullptr;
}

unsigned Breaker::this_thread_shard() {
  if (internal::t_thread == 0) internal::t_thread = internal::g_threads.fetch_add(1, std::memory_order_relaxed) + 1;
  return internal::t_thread - 1;
}

Admission Breaker::try_acquire(TimePoint now, unsigned shard) {
  return core_->try_acquire(now, shard);
}

std::optional<Transition> Breaker::record(Permit&& permit, const Sample& sample, TimePoint now) {
  return core_->record(std::move(permit), sample, now);
}

}  // namespace quoll::core
