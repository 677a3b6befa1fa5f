// Result<T>: a value or an Error, for failures that are expected (I/O, parsing, configuration).
//
// A refusal (a breaker that is open) is not an error: it is a value of its own type. A bug of ours is QUOLL_ASSERT.
// The interface is the part of C++23's std::expected that Quoll uses, so that it can be swapped in later.
//
// Thread-compatible.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "quoll/base/assert.h"

namespace quoll {

// What went wrong, for a person: what, where, and what would be right. `code` is a stable word for machines and tests.
struct Error {
  std::string message;
  std::string code = {};
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Without a value the process ends, with the error's message on standard error.
  T& value() & {
    if (!has_value()) internal::no_value(error().message.c_str());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    if (!has_value()) internal::no_value(error().message.c_str());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    if (!has_value()) internal::no_value(error().message.c_str());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    QUOLL_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    QUOLL_ASSERT(!has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace quoll
