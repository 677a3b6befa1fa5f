// Reply, Called: what goes into a pipeline's run() from the call it is put around, and what comes out.
//
// The call is asked as call(limit), or call() if it cannot be told how long it may take. What it returns, and what that
// means to the policies:
//
//   nothing (void)                   a success: Called<void>
//   T                                a success
//   bool                             false is a failure
//   a pointer, raw or smart          null is a failure, and no value
//   std::error_code and its like     one that is set is a failure (error enumerations, Boost's, too)
//   std::optional<T>, Result<T>      a success, or without a value a failure: whatever tests false and is dereferenced.
//                                    What is inside is not looked at again: optional<bool>(false) is a success
//   Reply<T>                         a value, and a sample for those who judge by arrival (judge.h)
//   a future (blocking.h) or an awaitable (coroutine.h) of any of these
//
// T is what is inside; name it, run<Page>(...), where the call returns something that converts to it. Another meaning
// ("a page with status 500 failed") is a classifier's to say: classify.h.
//
// Time. All but Reply are timed by the caller's clock around the call, so that our own delay is in the sample; a Reply
// without `sample.upstream` is timed so, too. An answer that came later than its limit is a timeout to the policies. It
// is handed over all the same, marked `late`, and not asked for again: who waited for it may use it. Without an answer
// it is a timeout from the limit on, else a failure.
//
// A std::exception that escapes from the call is a failed attempt as well; the last one is kept. Anything else that is
// thrown passes through, and cancels the call.
//
// Thread-compatible: plain values.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>

#include "quoll/core/fallback.h"
#include "quoll/core/outcome.h"
#include "quoll/core/pipeline.h"

namespace quoll::core {

namespace internal {
// Where there is nothing to keep, as in Called<void>.
template <typename T>
using Kept = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
}  // namespace internal

// A sample in any case. A value with a success; with another outcome where there is one (the body of a 503).
template <typename T>
struct Reply {
  std::optional<internal::Kept<T>> value = {};
  Sample sample = {};
  AttemptInfo info = {};
  // What to say of a failure; becomes CallError::message.
  std::string message = {};
};

// Who wins, when the call is over:
//
//   last attempt                  value                       source     failed()   tests as
//   success                       its own                     null       no         true
//   ignored, cancelled            its own, if it has one      null       no         true
//   late                          its own                     null       no         true; `late`
//   failure, timeout, refused     the fallback's              its name   yes        true
//     ... and no fallback does    the last attempt's, if any  null       yes        false
//
// So `if (called) use(*called.value)` uses an answer, or what stands for one; a failed attempt's value is there beside
// the error for who asks for it, as in `if (called.failed() && called.value) log(called.value->status)`. A call that
// was ignored or cancelled and has no value asks the fallback, too.
template <typename T>
struct Called {
  std::optional<internal::Kept<T>> value;
  // Where a fallback's value came from; null for the call's own.
  const std::string* source = nullptr;
  // How the last attempt ended, after how many; or who refused. Filled for a success, too.
  CallError error;
  // What the last attempt threw, if it did; else, without a value, what the last source of the fallback threw.
  std::exception_ptr thrown = nullptr;
  // The call's own answer, which came after its limit: a timeout to the policies.
  bool late = false;
  // Why it was not tried again; none if it was a success, a refusal, or there is no retry policy.
  std::optional<RetryRefusal> not_retried = {};

  Outcome outcome() const { return error.outcome; }
  // The call brought no answer: it was refused, or its last attempt failed. The value may be a fallback's.
  bool failed() const {
    if (error.refused_by != RefusedBy::nobody) return true;
    return error.outcome == Outcome::failure || (error.outcome == Outcome::timeout && !late);
  }
  explicit operator bool() const { return value.has_value() && (source != nullptr || !failed()); }
};

}  // namespace quoll::core
