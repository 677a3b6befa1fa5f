#include "window.h"

#include <algorithm>

#include "quoll/base/assert.h"
#include "window_fast.h"

namespace quoll::core::internal {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::uint64_t kNever = kTickMask;  // the tick of an empty slot
constexpr std::uint32_t kNoExtremes = 0x0000ffff;
constexpr unsigned kCodesPerShard = 180;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}
std::uint64_t low_half(std::uint64_t word) {
  return word & kHalfMask;
}
std::uint64_t high_half(std::uint64_t word) {
  return (word >> kHalfBits) & kHalfMask;
}

}  // namespace

void Window::Free::operator()(std::byte* block) const {
  ::operator delete (block, std::align_val_t{kLine});
}

Window::Window(Duration length, unsigned buckets, unsigned shards)
    : shards_(shards),
      buckets_(buckets),
      width_(buckets == 0 ? 0 : static_cast<std::uint64_t>(length.count()) / buckets),
      bias_(kEpochTick * width_),
      codes_per_slot_(buckets == 0 ? 0 : std::max(4U, kCodesPerShard / buckets)),
      codes_at_(sizeof(Head) + sizeof(Slot) * buckets_),
      stride_(round_up(codes_at_ + sizeof(std::uint16_t) * buckets_ * codes_per_slot_, kLine)) {
  QUOLL_ASSERT(shards >= 1 && buckets < (1U << kIndexBits) && (buckets == 0 || width_ > 0));
  block_.reset(static_cast<std::byte*>(::operator new (stride_* shards_, std::align_val_t{kLine})));
  for (unsigned shard = 0; shard < shards_; ++shard) {
    std::byte* base = block_.get() + stride_ * shard;
    new (base) Head{};
    for (unsigned i = 0; i < buckets_; ++i) {
      auto* made = new (base + sizeof(Head) + sizeof(Slot) * i) Slot{};
      made->epoch.store(kNever, std::memory_order_relaxed);
      made->extremes.store(kNoExtremes, std::memory_order_relaxed);
    }
    for (unsigned i = 0; i < buckets_ * codes_per_slot_; ++i) {
      new (base + codes_at_ + sizeof(std::uint16_t) * i) std::atomic<std::uint16_t>{0};
    }
  }
}

std::uint64_t Window::tick_of(TimePoint now) const {
  const std::int64_t at = now.time_since_epoch().count();
  const auto width = static_cast<std::int64_t>(width_);
  const std::int64_t floor = at / width - (at % width < 0 ? 1 : 0);
  return kEpochTick + static_cast<std::uint64_t>(floor);
}

// [tick | index] of `now`, which becomes the shard's if it is the latest.
std::uint64_t Window::advance(Head& own, TimePoint now) {
  const std::uint64_t current = own.current.load(std::memory_order_relaxed);
  // Unsigned: also true when `now` lies before the tick.
  if (nanos(now) - (current >> kIndexBits) * width_ < width_) return current;
  const std::uint64_t tick = tick_of(now);
  const std::uint64_t next = tick << kIndexBits | tick % buckets_;
  if (next > current) own.current.store(next, std::memory_order_relaxed);
  return next;
}

Window::Ticket Window::open(unsigned shard, TimePoint now) {
  if (buckets_ == 0) return {};
  const std::uint64_t at = advance(head(shard), now);
  return open_tick(shard, at >> kIndexBits, static_cast<unsigned>(at & ((1U << kIndexBits) - 1)));
}

Window::Ticket Window::open_latest(unsigned shard, TimePoint least) {
  if (buckets_ == 0) return {};
  std::uint64_t latest = advance(head(shard), least);
  for (unsigned i = 0; i < shards_; ++i) latest = std::max(latest, head(i).current.load(std::memory_order_relaxed));
  return open_tick(shard, latest >> kIndexBits, static_cast<unsigned>(latest & ((1U << kIndexBits) - 1)));
}

void Window::note_time(TimePoint now) {
  if (buckets_ != 0) (void)advance(head(0), now);
}

Window::Ticket Window::open_tick(unsigned shard, std::uint64_t tick, unsigned index) {
  Slot& at = slot(shard, index);
  std::uint64_t epoch = at.epoch.load(std::memory_order_acquire);
  if ((epoch & kTickMask) != tick) {
    const MutexLock lock(mutex_);
    epoch = at.epoch.load(std::memory_order_acquire);
    const std::uint64_t held = epoch & kTickMask;
    if (held != tick) {
      if (held != kNever && held > tick) return {};
      reuse(at, tick);
      epoch = at.epoch.load(std::memory_order_relaxed);
    }
  }
  Ticket ticket;
  ticket.slot_ = &at;
  ticket.codes_ = codes(shard, index);
  ticket.version_ = epoch >> kVersionShift;
  ticket.shard_ = shard;
  ticket.index_ = index;
  return ticket;
}

std::uint32_t Window::bump(const Ticket& ticket, std::size_t word, std::uint64_t delta) {
  std::atomic<std::uint64_t>& at = ticket.slot_->words[word];
  std::uint64_t seen = at.load(std::memory_order_relaxed);
  do {
    while ((seen & kNearlyFull) != 0) {
      halve(ticket.index_);
      seen = at.load(std::memory_order_relaxed);
    }
    if ((seen >> kVersionShift) != ticket.version_) return kGone;
  } while (!at.compare_exchange_weak(seen, seen + delta, std::memory_order_seq_cst, std::memory_order_relaxed));
  return static_cast<std::uint32_t>(low_half(seen));
}

std::uint32_t Window::add(const Ticket& ticket, const Tally& tally) {
  std::uint32_t number = 0;
  bool added = false;
  for (std::size_t word = 0; word < kWords; ++word) {
    if (tally.delta[word] == 0) continue;
    const std::uint32_t before = bump(ticket, word, tally.delta[word]);
    if (before == kGone) {
      if (!added) return kGone;
      // Emptied half-way through: the first word has gone to the totals, and the others follow it.
      Tally rest;
      rest.delta[word] = tally.delta[word];
      add_direct(ticket.shard_, rest);
      continue;
    }
    added = true;
    if (word == 0) {
      number = before;
      keep_latency(*ticket.slot_, ticket.codes_, ticket.version_, before, tally.code);
    }
  }
  return number;
}

void Window::await_rotation() {
  const MutexLock lock(mutex_);
}

void Window::add_direct(unsigned shard, const Tally& tally) {
  Head& own = head(shard);
  for (std::size_t word = 0; word < kWords; ++word) {
    if (tally.delta[word] == 0) continue;
    const std::uint64_t low = low_half(tally.delta[word]);
    const std::uint64_t high = high_half(tally.delta[word]);
    if (low != 0) own.direct[2 * word].fetch_add(low, std::memory_order_relaxed);
    if (high != 0) own.direct[2 * word + 1].fetch_add(high, std::memory_order_relaxed);
  }
}

void Window::reject(unsigned shard, TimePoint now) {
  const Ticket ticket = open(shard, now);
  if (ticket && bump(ticket, kRejected / 2, kLow) != kGone) return;
  head(shard).direct[kRejected].fetch_add(1, std::memory_order_relaxed);
}

void Window::reuse(Slot& slot, std::uint64_t tick) {
  const std::uint64_t version = ((slot.epoch.load(std::memory_order_relaxed) >> kVersionShift) + 1) & 0xffffU;
  for (std::size_t word = 0; word < kWords; ++word) {
    const std::uint64_t old = slot.words[word].exchange(version << kVersionShift, std::memory_order_acq_rel);
    flushed_[2 * word] += low_half(old);
    flushed_[2 * word + 1] += high_half(old);
  }
  slot.extremes.store(kNoExtremes, std::memory_order_relaxed);
  // Last: who sees the new version finds words that have it.
  slot.epoch.store(version << kVersionShift | tick, std::memory_order_release);
}

void Window::halve(unsigned index) {
  const MutexLock lock(mutex_);
  bool needed = false;
  for (unsigned shard = 0; shard < shards_; ++shard) {
    for (const auto& word : slot(shard, index).words)
      needed |= (word.load(std::memory_order_relaxed) & kNearlyFull) != 0;
  }
  if (!needed) return;  // another thread has just done it
  for (unsigned shard = 0; shard < shards_; ++shard) {
    for (std::size_t word = 0; word < kWords; ++word) {
      std::atomic<std::uint64_t>& at = slot(shard, index).words[word];
      std::uint64_t seen = at.load(std::memory_order_relaxed);
      std::uint64_t low = 0;
      std::uint64_t high = 0;
      do {
        low = low_half(seen) / 2;
        high = high_half(seen) / 2;
      } while (!at.compare_exchange_weak(seen, seen - low - (high << kHalfBits), std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
      flushed_[2 * word] += low;
      flushed_[2 * word + 1] += high;
    }
  }
}

// Calls visit(slot, shard, index, version) for the slots whose bucket is not over. A slot of a tick ahead of `now` is
// in: another thread's clock reading was newer.
template <typename Visit>
void Window::for_each_live(TimePoint now, Visit visit) const {
  if (buckets_ == 0) return;
  const std::uint64_t last = tick_of(now);
  for (unsigned shard = 0; shard < shards_; ++shard) {
    for (unsigned index = 0; index < buckets_; ++index) {
      const Slot& at = slot(shard, index);
      const std::uint64_t epoch = at.epoch.load(std::memory_order_acquire);
      const std::uint64_t tick = epoch & kTickMask;
      if (tick == kNever || tick + buckets_ <= last) continue;
      visit(at, shard, index, epoch >> kVersionShift);
    }
  }
}

FieldCounts Window::counts(TimePoint now) const {
  FieldCounts sums{};
  for_each_live(now, [&sums](const Slot& at, unsigned, unsigned, std::uint64_t version) {
    // Backwards: a writer counts the call first, so no outcome is seen without its call.
    for (std::size_t word = kWords; word-- > 0;) {
      const std::uint64_t seen = at.words[word].load(std::memory_order_acquire);
      if ((seen >> kVersionShift) != version) continue;
      sums[2 * word] += low_half(seen);
      sums[2 * word + 1] += high_half(seen);
    }
  });
  return sums;
}

FieldCounts Window::rates(TimePoint now) const {
  FieldCounts sums{};
  for_each_live(now, [&sums](const Slot& at, unsigned, unsigned, std::uint64_t version) {
    const std::uint64_t slow = at.words[kSlow / 2].load();
    const std::uint64_t calls = at.words[kCalls / 2].load();
    if ((calls >> kVersionShift) != version || (slow >> kVersionShift) != version) return;
    sums[kCalls] += low_half(calls);
    sums[kFailed] += high_half(calls);
    sums[kSlow] += low_half(slow);
  });
  return sums;
}

Latencies Window::latencies(TimePoint now) const {
  Latencies found;
  for_each_live(now, [this, &found](const Slot& at, unsigned shard, unsigned index, std::uint64_t version) {
    const std::uint64_t seen = at.words[0].load(std::memory_order_acquire);
    if ((seen >> kVersionShift) != version) return;
    const std::uint64_t calls = low_half(seen);
    const std::uint64_t kept = std::min<std::uint64_t>(calls, codes_per_slot_);
    if (kept == 0) return;
    const std::atomic<std::uint16_t>* from = codes(shard, index);
    const double weight = static_cast<double>(calls) / static_cast<double>(kept);
    for (std::uint64_t i = 0; i < kept; ++i) found.codes.push_back({from[i].load(std::memory_order_relaxed), weight});
    const std::uint32_t extremes = at.extremes.load(std::memory_order_relaxed);
    found.max = std::max(found.max, static_cast<std::uint16_t>(extremes >> 16U));
    found.min = std::min(found.min, static_cast<std::uint16_t>(extremes & 0xffffU));
  });
  return found;
}

FieldCounts Window::totals() const {
  const MutexLock lock(mutex_);
  FieldCounts sums = flushed_;
  for (unsigned shard = 0; shard < shards_; ++shard) {
    // Backwards, as in counts().
    for (unsigned index = 0; index < buckets_; ++index) {
      for (std::size_t word = kWords; word-- > 0;) {
        const std::uint64_t seen = slot(shard, index).words[word].load(std::memory_order_acquire);
        sums[2 * word] += low_half(seen);
        sums[2 * word + 1] += high_half(seen);
      }
    }
    for (std::size_t field = kFields; field-- > 0;)
      sums[field] += head(shard).direct[field].load(std::memory_order_acquire);
  }
  return sums;
}

std::uint64_t Window::stale() const {
  std::uint64_t sum = 0;
  for (unsigned shard = 0; shard < shards_; ++shard) sum += head(shard).stale.load(std::memory_order_relaxed);
  return sum;
}

void Window::clear() {
  const MutexLock lock(mutex_);
  for (unsigned shard = 0; shard < shards_; ++shard) {
    for (unsigned index = 0; index < buckets_; ++index) reuse(slot(shard, index), kNever);
  }
}

}  // namespace quoll::core::internal
