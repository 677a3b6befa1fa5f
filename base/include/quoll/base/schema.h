// Schema: what there is to know of a setting, said once, in the header of the struct that holds it.
//
//   struct BulkheadOptions {
//     unsigned max_in_flight = 25;
//
//     static void describe(auto&& field) {
//       field("max_in_flight", &BulkheadOptions::max_in_flight, schema::within(1, 1'000'000),
//             "What the callee, or the pool behind it, bears at a time.");
//     }
//   };
//
// A field is a name, a member, what the member may be, and a sentence. Its unit is the member's type, its default that
// of a struct made without arguments. From the fields come the faults of validate() (faults.h); and files, flags, JSON,
// tables in docs/ and suggestions (settings.h). Nobody else knows a setting's name.
//
//   a Duration, a number         field(name, member, within(low, high), sentence), or share(), bytes()
//   an enum with a to_string()   field(name, member, words_to(its last value), sentence)
//   a bool                       field(name, member, sentence)
//   a string                     field(name, member, Form{"HOST:PORT"}, sentence)
//   a struct with describe()     field(name, member, sentence): a section, "breaker."; with no name its fields are the
//                                owner's own
//   a text of several members    field(name, Spelled{...}, sentence)
//
// Thread-safe: constants.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "quoll/base/time.h"

namespace quoll::schema {

// share: written 50% or 0.5. bytes: a number or 64KiB.
enum class Unit : std::uint8_t { number, share, bytes, duration };

// Both ends are in. Durations count in nanoseconds; a double holds each of our ranges exactly.
struct Range {
  double low = 0;
  double high = 0;
  Unit unit = Unit::number;
  bool above_low = false;      // low itself is out
  const char* zero = nullptr;  // what 0 means: "off"; it is in then, whatever low is

  constexpr Range zero_is(const char* meaning) const {
    Range with = *this;
    with.zero = meaning;
    return with;
  }
  constexpr bool holds(double value) const {  // not a NaN
    if (zero != nullptr && value == 0) return true;
    return (above_low ? value > low : value >= low) && value <= high;
  }
};

constexpr Range within(double low, double high) {
  return {.low = low, .high = high};
}
constexpr Range within(Duration low, Duration high) {
  return {.low = static_cast<double>(low.count()), .high = static_cast<double>(high.count()), .unit = Unit::duration};
}
constexpr Range share(double low, double high) {
  return {.low = low, .high = high, .unit = Unit::share};
}
// Above 0, at most 1.
constexpr Range share() {
  return {.low = 0, .high = 1, .unit = Unit::share, .above_low = true};
}
constexpr Range bytes(double low, double high) {
  return {.low = low, .high = high, .unit = Unit::bytes};
}

// The values of an enum that begins at 0, each by its to_string().
template <typename Enum>
struct Words {
  Enum last;
};
template <typename Enum>
constexpr Words<Enum> words_to(Enum last) {
  return {last};
}

// How a text is written: capitals stand for something (DUR, N, FILE, HOST:PORT), small letters for themselves, with |
// between what it may be.
struct Form {
  const char* text;
};

// What a setting is to code that knows only its name: nothing (not set), true or false, a number, or a text.
using Value = std::variant<std::monostate, bool, std::uint64_t, double, std::string>;
// What is wrong with a text: "'x' is not a number".
using Fault = std::optional<std::string>;

// A setting whose text is more, or less, than one member's value: a number or the word off. `read` leaves the options
// alone when it finds a fault.
template <typename Options>
struct Spelled {
  Form form;
  Value (*show)(const Options&);
  Fault (*read)(Options&, std::string_view);
};

// Fields of a section that mean nothing where its struct is used: field(name, member, Without{{"max_attempts"}},
// sentence).
struct Without {
  std::array<const char*, 4> names = {};
};

// What a member is to code that reads any kind of them: the T of a wrapper.
template <typename T>
struct Plain {
  using type = T;
};

template <typename T>
concept Section = requires {
  T::describe(0);
};

}  // namespace quoll::schema
