// What kind of thing a call returns: the traits behind reply.h. Nothing here is meant to be used by others, but
// CallableWithin.
//
// Thread-safe: pure functions.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "quoll/base/time.h"
#include "quoll/core/reply.h"

namespace quoll::core {

template <typename Call>
concept CallableWithin = std::invocable<Call&, Duration> || std::invocable<Call&>;

namespace internal {

template <typename Call>
decltype(auto) invoke_within(Call& call, Duration limit) {
  if constexpr (std::invocable<Call&, Duration>) {
    return call(limit);
  } else {
    return call();
  }
}

template <typename R>
concept PointerLike = std::is_pointer_v<R> || requires(const R& r) {
  typename R::element_type;
  r == nullptr;
};
template <typename R>
concept ErrorCodeLike = requires(const R& r) {
  static_cast<bool>(r);
  r.category();
  r.value();
  r.message();
};
template <typename R>
concept ErrorEnum = std::is_error_code_enum_v<R> || std::is_error_condition_enum_v<R>;
template <typename R>
concept Holder = !ErrorCodeLike<R> && requires(R r) {
  static_cast<bool>(r);
  *r;
};
// Result<void>, expected<void, E>.
template <typename R>
concept HolderOfNothing = !ErrorCodeLike<R> && requires(R r) {
  static_cast<bool>(r);
  r.error();
};
template <typename R>
inline constexpr bool kIsReply = false;
template <typename T>
inline constexpr bool kIsReply<Reply<T>> = true;

// What run() returns a Called of, where it is not told.
struct Deduced {};
template <typename R>
struct DeducedFrom {
  using type = R;
};
template <typename T>
struct DeducedFrom<Reply<T>> {
  using type = T;
};
template <Holder R>
requires(!PointerLike<R>) struct DeducedFrom<R> {
  using type = std::remove_cvref_t<decltype(*std::declval<R&>())>;
};
template <HolderOfNothing R>
requires(!PointerLike<R> && !Holder<R>) struct DeducedFrom<R> {
  using type = void;
};
template <typename T, typename Returned>
using Answer = typename std::conditional_t<std::same_as<T, Deduced>, DeducedFrom<std::remove_cvref_t<Returned>>,
                                           DeducedFrom<Reply<T>>>::type;

// The text of an error: of quoll's Error, an error_code, an exception, a string.
template <typename E>
std::string message_of(const E& error) {
  if constexpr (std::is_convertible_v<const E&, std::string>) {
    return error;
  } else if constexpr (requires { std::string(error.message); }) {
    return std::string(error.message);
  } else if constexpr (requires { std::string(error.message()); }) {
    return std::string(error.message());
  } else if constexpr (requires { std::string(error.what()); }) {
    return std::string(error.what());
  } else {
    return {};
  }
}

// Whether a value says by itself that it is a failure, and how.
template <typename R>
bool is_failure(const R& value, std::string& message) {
  if constexpr (std::same_as<R, bool>) {
    return !value;
  } else if constexpr (PointerLike<R>) {
    return value == nullptr;
  } else if constexpr (ErrorCodeLike<R>) {
    if (static_cast<bool>(value)) message = message_of(value);
    return static_cast<bool>(value);
  } else if constexpr (std::is_error_code_enum_v<R>) {
    return is_failure(std::error_code(value), message);
  } else if constexpr (std::is_error_condition_enum_v<R>) {
    return is_failure(std::error_condition(value), message);
  } else {
    return false;
  }
}

}  // namespace internal
}  // namespace quoll::core
