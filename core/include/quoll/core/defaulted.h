// Defaulted: an option that knows whether it was set, so that its default can follow the others.
//
// Why: options that bound each other (base <= cap) make one option alone a contradiction: base = 2 s was refused for a
// cap of 1 s that nobody had set. Here a default gives way. `resolved()` of the options moves each one that was not set
// by as little as puts it in order with those that were; two that were set and contradict each other stay, and
// validate() names them.
//
// It reads, compares and counts as a plain Duration or number, and is set by assigning one, whichever; a plain T& into
// it sets it by any value but the default. Files and flags assign (base/settings.h).
//
// Thread-compatible: a plain value.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>

#include "quoll/base/schema.h"
#include "quoll/base/time.h"

namespace quoll::core {

// Of a number below 2^32 - 1.
template <typename T>
class Defaulted {
 public:
  constexpr Defaulted(T value) : value_(value) {}  // NOLINT: implicit by design
  static constexpr Defaulted usual(T value) {
    Defaulted made(value);
    made.usual_ = value;
    return made;
  }
  constexpr operator const T&() const { return value_; }  // NOLINT: implicit by design
  constexpr operator T&() { return value_; }              // NOLINT: implicit by design
  constexpr bool is_set() const { return usual_ == kSet || value_ != usual_; }
  // Not a setting: its default moves.
  constexpr void follow(T value) { value_ = value; }

 private:
  static constexpr T kSet = static_cast<T>(-1);
  T value_;
  T usual_ = kSet;
};

// Whose default is in whole microseconds and at most an hour, so that it takes little room.
template <>
class Defaulted<Duration> : public Duration {
 public:
  template <typename Rep, typename Period>
  constexpr Defaulted(std::chrono::duration<Rep, Period> value) : Duration(value) {}  // NOLINT: implicit by design
  static constexpr Defaulted usual(Duration value) {
    Defaulted made(value);
    made.usual_micros_ = static_cast<std::uint32_t>(value.count() / 1000);
    return made;
  }
  constexpr bool is_set() const {
    return usual_micros_ == kSet || *this != Duration(std::chrono::microseconds(usual_micros_));
  }
  constexpr void follow(Duration value) { Duration::operator=(value); }

 private:
  static constexpr std::uint32_t kSet = UINT32_MAX;
  std::uint32_t usual_micros_ = kSet;
};

// What an option is to code that reads any kind of them: T for a Defaulted<T>.
template <typename T>
using PlainOption = schema::Plain<T>;

constexpr Defaulted<Duration> usual(Duration value) {
  return Defaulted<Duration>::usual(value);
}
constexpr Defaulted<unsigned> usual(unsigned value) {
  return Defaulted<unsigned>::usual(value);
}

namespace internal {

// These must ascend, and their defaults do. One that has moved counts as set from then on, which changes nothing: it
// stands between those that were set before.
template <typename T>
void let_follow(std::initializer_list<Defaulted<T>*> ascending) {
  for (auto each = ascending.begin(); each != ascending.end(); ++each) {
    if ((*each)->is_set()) continue;
    T moved = **each;
    for (auto above = each + 1; above != ascending.end(); ++above) {
      if ((*above)->is_set()) moved = std::min<T>(moved, **above);
    }
    for (auto below = ascending.begin(); below != each; ++below) {
      if ((*below)->is_set()) moved = std::max<T>(moved, **below);
    }
    (*each)->follow(moved);
  }
}

}  // namespace internal
}  // namespace quoll::core

template <typename T>
struct quoll::schema::Plain<quoll::core::Defaulted<T>> {
  using type = T;
};
