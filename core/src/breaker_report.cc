// What a breaker tells about itself: snapshots, the journal, the memory it takes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "breaker_core.h"
#include "quoll/base/histogram.h"
#include "quoll/base/time_math.h"

namespace quoll::core {

namespace internal {

namespace {

std::uint32_t narrow(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

Duration middle(std::uint16_t code) {
  return Duration(static_cast<Duration::rep>(log_linear::bucket_mid(code)));
}

// The value at percentile p is the one that holds the ceil(p/100 * total)-th call, as in base's Histogram.
void put_latencies(Snapshot& snapshot, Latencies found) {
  snapshot.latency_samples = narrow(found.codes.size());
  if (found.codes.empty()) return;
  std::sort(found.codes.begin(), found.codes.end(),
            [](const WeightedCode& a, const WeightedCode& b) { return a.code < b.code; });
  double total = 0;
  double sum = 0;
  for (const WeightedCode& each : found.codes) {
    total += each.weight;
    sum += each.weight * static_cast<double>(log_linear::bucket_mid(each.code));
  }
  snapshot.mean = Duration(static_cast<Duration::rep>(std::llround(sum / total)));
  std::size_t at = 0;
  double below = found.codes[0].weight;
  for (std::size_t i = 0; i < kSnapshotPercentiles.size(); ++i) {
    const double rank = kSnapshotPercentiles[i] / 100 * total * (1 - 1e-12);
    while (below < rank && at + 1 < found.codes.size()) below += found.codes[++at].weight;
    snapshot.percentiles[i] = middle(found.codes[at].code);
  }
  snapshot.percentiles.front() = middle(found.min);
  snapshot.percentiles.back() = middle(found.max);
}

}  // namespace

std::uint32_t StallMemory::tick_of(TimePoint now) const {
  const std::int64_t at = now.time_since_epoch().count();
  return static_cast<std::uint32_t>(at / width_ - (at % width_ < 0 ? 1 : 0));
}

void StallMemory::note(Duration stall, TimePoint now) {
  const std::uint32_t tick = tick_of(now);
  Part& part = parts_[tick % kParts];
  if (part.tick != tick) part = {tick, 0};
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(stall).count();
  part.micros = std::max(part.micros, narrow(static_cast<std::uint64_t>(std::max<std::int64_t>(0, micros))));
}

std::uint32_t StallMemory::longest_micros(TimePoint now) const {
  const std::uint32_t tick = tick_of(now);
  std::uint32_t longest = 0;
  for (const Part& part : parts_) {
    if (tick - part.tick < kParts) longest = std::max(longest, part.micros);
  }
  return longest;
}

void BreakerCore::note_local_stall(Duration stall, TimePoint now) {
  const MutexLock lock(mutex_);
  stalls_.note(stall, now);
}

// Calls that did not fail, less those of another outcome that do not count as failures. Calls and failed calls are in
// one word, so that a reader never sees a call without its failure and takes it for a success.
std::uint64_t BreakerCore::successes(const FieldCounts& counts) const {
  std::uint64_t others = counts[kFailed];
  if (options_.failures == CountAs::success) others += counts[kFailure];
  if (options_.timeouts == CountAs::success) others += counts[kTimeout];
  if (options_.cancellations == CountAs::success) others += counts[kCancelled];
  return counts[kCalls] - std::min(counts[kCalls], others);
}

WindowCounts BreakerCore::window_counts(TimePoint now) const {
  FieldCounts counts = window_.counts(now);
  if (ring_ != nullptr) {
    counts = ring_->counts();
    // Rejections take no lock and so have no place in the ring: they are counted since it was emptied.
    counts[kRejected] = window_.totals()[kRejected] - rejected_before_;
  }
  std::uint32_t begun = begun_.load(std::memory_order_relaxed);
  if (begun == std::numeric_limits<std::uint32_t>::max()) begun = 0;
  return {.calls = narrow(std::max<std::uint64_t>(counts[kCalls], begun)),
          .failed_calls = narrow(counts[kFailed]),
          .success = narrow(successes(counts)),
          .failure = narrow(counts[kFailure]),
          .timeout = narrow(counts[kTimeout]),
          .cancelled = narrow(counts[kCancelled] + counts[kDropped]),
          .ignored = narrow(counts[kIgnored]),
          .slow = narrow(counts[kSlow]),
          .rescued = narrow(counts[kRescued]),
          .rejected = narrow(counts[kRejected])};
}

Transition BreakerCore::unpack(const JournalEntry& entry, std::uint64_t sequence) const {
  Transition transition;
  transition.sequence = sequence;
  transition.at = entry.at;
  transition.from = entry.from;
  transition.to = entry.to;
  transition.reason = entry.reason;
  transition.generation = entry.generation;
  Evidence& evidence = transition.evidence;
  evidence.counts = entry.counts;
  evidence.consecutive = entry.consecutive;
  evidence.trials_succeeded = entry.trials_succeeded;
  evidence.longest_local_stall = std::chrono::microseconds(entry.stall_micros);
  evidence.open_for = entry.open_for;
  evidence.window_kind = options_.window_kind;
  evidence.window = options_.window;
  evidence.window_calls = options_.window_calls;
  evidence.minimum_volume = options_.minimum_volume;
  evidence.failure_rate_threshold = options_.failure_rate_threshold;
  evidence.slow_call_threshold = options_.slow_call_threshold;
  evidence.slow_call_rate_threshold = options_.slow_call_rate_threshold;
  evidence.consecutive_limit = options_.consecutive_failures;
  return transition;
}

std::vector<Transition> BreakerCore::journal() const {
  std::vector<Transition> found;
  found.reserve(Breaker::kJournal);
  const MutexLock lock(mutex_);
  for (std::uint64_t i = sequence_ - std::min<std::uint64_t>(sequence_, journal_.size()); i < sequence_; ++i) {
    found.push_back(unpack(journal_[i % journal_.size()], i + 1));
  }
  return found;
}

Snapshot BreakerCore::snapshot(TimePoint now) const {
  Snapshot snapshot;
  snapshot.name = name_;
  snapshot.options = options_;
  Latencies latencies;
  FieldCounts totals{};
  std::uint64_t stale = 0;
  {
    const MutexLock lock(mutex_);
    const std::uint64_t word = state_.load(std::memory_order_relaxed);
    const Phase phase = phase_of(word);
    snapshot.state = state();
    snapshot.mode = mode_;
    snapshot.since = since_;
    snapshot.generation = generation_of(word);
    if (phase == Phase::open || phase == Phase::half_open) {
      const std::int64_t until = until_.load(std::memory_order_relaxed);
      const std::int64_t left = until == kForever ? 0 : subtract_saturating(until, now.time_since_epoch().count());
      snapshot.remaining = Duration(std::max<std::int64_t>(0, left));
    }
    snapshot.trials_in_flight = trials_in_flight_.load(std::memory_order_relaxed);
    snapshot.trials_succeeded = trials_succeeded_;
    snapshot.consecutive = consecutive();
    if (phase == Phase::open || phase == Phase::forced_open) snapshot.admitted_share = 0;
    if (phase == Phase::ramping) snapshot.admitted_share = ramp_share(now);
    snapshot.counts = window_counts(now);
    snapshot.longest_local_stall = std::chrono::microseconds(stalls_.longest_micros(now));
    latencies = ring_ != nullptr ? ring_->latencies() : window_.latencies(now);
    totals = window_.totals();
    stale = window_.stale();
    snapshot.totals.opened = opened_;
    snapshot.totals.half_opened = half_opened_;
    snapshot.totals.closed = closed_;
  }
  put_latencies(snapshot, std::move(latencies));
  snapshot.totals.success = successes(totals);
  snapshot.totals.failure = totals[kFailure];
  snapshot.totals.timeout = totals[kTimeout];
  snapshot.totals.cancelled = totals[kCancelled] + totals[kDropped];
  snapshot.totals.ignored = totals[kIgnored];
  snapshot.totals.slow = totals[kSlow];
  snapshot.totals.rescued = totals[kRescued];
  snapshot.totals.rejected = totals[kRejected];
  snapshot.totals.stale = stale;
  return snapshot;
}

Duration BreakerCore::refuses_for(TimePoint now) const {
  const std::uint64_t word = state_.load(std::memory_order_acquire);
  const std::int64_t until = until_.load(std::memory_order_acquire);
  const std::int64_t at = now.time_since_epoch().count();
  // A transition in between may have written another phase's end: the thread that comes now may be the first of the new
  // phase.
  if (state_.load(std::memory_order_acquire) != word) return Duration::zero();
  switch (phase_of(word)) {
    case Phase::open:
      return Duration(std::max<std::int64_t>(0, until - at));
    case Phase::forced_open:
      return Duration::max();
    case Phase::half_open: {
      const bool full = trials_in_flight_.load(std::memory_order_relaxed) >= options_.half_open_permits;
      return full ? Duration::max() : Duration::zero();
    }
    default:
      return Duration::zero();
  }
}

std::size_t BreakerCore::memory_bytes() const {
  std::size_t bytes = sizeof(Breaker) + sizeof(*this) + window_.memory_bytes();
  if (ring_ != nullptr) bytes += sizeof(Ring) + ring_->memory_bytes();
  constexpr std::size_t kShortString = 15;
  if (name_.capacity() > kShortString) bytes += name_.capacity() + 1;
  return bytes;
}

}  // namespace internal

Result<Breaker> Breaker::create(const BreakerOptions& options, std::uint64_t seed, std::string name) {
  const std::vector<std::string> faults = options.validate();
  if (!faults.empty()) {
    std::string message = "breaker " + name + ": ";
    for (std::size_t i = 0; i < faults.size(); ++i) message += (i == 0 ? "" : "; ") + faults[i];
    return Error{.message = std::move(message), .code = "invalid_options"};
  }
  return Breaker(Core(new internal::BreakerCore(options, seed, std::move(name))));
}

void internal::ReleaseCore::operator()(BreakerCore* core) const {
  core->release();
}

Breaker::Breaker(Core core) : core_(std::move(core)) {}
Breaker::Breaker(Breaker&&) noexcept = default;
Breaker& Breaker::operator=(Breaker&&) noexcept = default;
Breaker::~Breaker() = default;

void Breaker::pin_by_permits() {
  core_->pin_by_permits();
}
std::optional<Transition> Breaker::force(Mode mode, TimePoint now) {
  return core_->force(mode, now);
}
std::optional<Transition> Breaker::close(TimePoint now) {
  return core_->close(now);
}
std::optional<Transition> Breaker::open(TimePoint now) {
  return core_->open(now);
}
void Breaker::count_begun(std::uint32_t calls) {
  core_->count_begun(calls);
}
std::optional<Transition> Breaker::poll(TimePoint now) {
  return core_->poll(now);
}
void Breaker::note_local_stall(Duration stall, TimePoint now) {
  core_->note_local_stall(stall, now);
}
Duration Breaker::refuses_for(TimePoint now) const {
  return core_->refuses_for(now);
}
State Breaker::state() const {
  return core_->state();
}
std::uint32_t Breaker::generation() const {
  return core_->generation();
}
Snapshot Breaker::snapshot(TimePoint now) const {
  return core_->snapshot(now);
}
std::vector<Transition> Breaker::journal() const {
  return core_->journal();
}
const BreakerOptions& Breaker::options() const {
  return core_->options();
}
const std::string& Breaker::name() const {
  return core_->name();
}
std::size_t Breaker::memory_bytes() const {
  return core_->memory_bytes();
}

}  // namespace quoll::core
