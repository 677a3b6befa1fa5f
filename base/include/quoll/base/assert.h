// QUOLL_ASSERT(condition): our own bug, never a peer's or a user's mistake. On in every build: a breaker that runs on
// after its invariant broke gives verdicts nobody can trust, and the check costs a predicted branch.
#pragma once

namespace quoll::internal {
// Prints the expression and its place to standard error, then aborts.
[[noreturn]] void assert_failed(const char* expression, const char* file, int line);
// For a caller's mistake that has no other way out, such as bad options in a constructor. Prints `faults`, and that
// they are the caller's, to standard error, then aborts.
[[noreturn]] void options_refused(const char* faults);
// For the value of a Result that holds an error. Prints its message, which names what was wrong, and aborts.
[[noreturn]] void no_value(const char* error);
}  // namespace quoll::internal

#define QUOLL_ASSERT(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::quoll::internal::assert_failed(#condition, __FILE__, __LINE__))
