// The inlined part of window.h: what a call on a closed breaker and a rejection run through (private to core).
#pragma once

#include <algorithm>
#include <new>

#include "quoll/base/histogram.h"
#include "quoll/base/rng.h"
#include "window.h"

namespace quoll::core::internal {

inline std::uint16_t latency_code(Duration latency) {
  const auto ns = static_cast<std::uint64_t>(std::max(latency, Duration::zero()).count());
  return static_cast<std::uint16_t>(log_linear::bucket_index(ns));
}

inline Window::Head& Window::head(unsigned shard) const {
  return *std::launder(reinterpret_cast<Head*>(block_.get() + stride_ * shard));
}

inline Window::Slot& Window::slot(unsigned shard, unsigned index) const {
  std::byte* at = block_.get() + stride_ * shard + sizeof(Head) + sizeof(Slot) * index;
  return *std::launder(reinterpret_cast<Slot*>(at));
}

inline std::atomic<std::uint16_t>* Window::codes(unsigned shard, unsigned index) const {
  std::byte* at = block_.get() + stride_ * shard + codes_at_ + sizeof(std::uint16_t) * index * codes_per_slot_;
  return std::launder(reinterpret_cast<std::atomic<std::uint16_t>*>(at));
}

// The slot for `now`, if the shard's last event fell into the same bucket. No division.
inline Window::Found Window::find(unsigned shard, TimePoint now) {
  const std::uint64_t current = head(shard).current.load(std::memory_order_relaxed);
  const std::uint64_t tick = current >> kIndexBits;
  // Unsigned: also true for a `now` before the tick, and always without buckets.
  if (nanos(now) - tick * width_ >= width_) return {};
  const auto index = static_cast<unsigned>(current & ((1U << kIndexBits) - 1));
  Slot& at = slot(shard, index);
  const std::uint64_t epoch = at.epoch.load(std::memory_order_acquire);
  if ((epoch & kTickMask) != tick) return {};
  return {&at, epoch >> kVersionShift, index};
}

inline bool Window::bump_once(const Found& found, std::size_t word, std::uint64_t delta, std::uint64_t& before) {
  std::atomic<std::uint64_t>& at = found.slot->words[word];
  before = at.load(std::memory_order_relaxed);
  if ((before >> kVersionShift) != found.version || (before & kNearlyFull) != 0) return false;
  return at.compare_exchange_strong(before, before + delta, std::memory_order_seq_cst, std::memory_order_relaxed);
}

inline void Window::keep_latency(Slot& slot, std::atomic<std::uint16_t>* codes, std::uint64_t version,
                                 std::uint32_t number, std::uint16_t code) const {
  std::uint32_t place = number;
  if (number >= codes_per_slot_) {
    const std::uint64_t draw = splitmix64(version << 32U | number) >> 32U;
    place = static_cast<std::uint32_t>((draw * (std::uint64_t{number} + 1)) >> 32U);
  }
  if (place < codes_per_slot_) codes[place].store(code, std::memory_order_relaxed);

  std::uint32_t seen = slot.extremes.load(std::memory_order_relaxed);
  while (code > (seen >> 16U) || code < (seen & 0xffffU)) {
    const std::uint32_t high = std::max<std::uint32_t>(seen >> 16U, code);
    const std::uint32_t low = std::min<std::uint32_t>(seen & 0xffffU, code);
    if (slot.extremes.compare_exchange_weak(seen, high << 16U | low, std::memory_order_relaxed)) return;
  }
}

template <typename Valid>
inline bool Window::try_add_call(unsigned shard, TimePoint now, Duration latency, Valid valid, std::uint32_t& number) {
  const Found found = find(shard, now);
  std::uint64_t before = 0;
  if (found.slot == nullptr || !valid() || !bump_once(found, kCalls / 2, kLow, before)) return false;
  number = static_cast<std::uint32_t>(before & kHalfMask);
  keep_latency(*found.slot, codes(shard, found.index), found.version, number, latency_code(latency));
  return true;
}

inline bool Window::try_reject(unsigned shard, TimePoint now) {
  const Found found = find(shard, now);
  std::uint64_t before = 0;
  return found.slot != nullptr && bump_once(found, kRejected / 2, kLow, before);
}

}  // namespace quoll::core::internal
