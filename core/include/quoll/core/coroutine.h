// co_run(): a pipeline around a coroutine, whatever its Task type: Asio's awaitable, or any other that is awaited by
// its like.
//
//   auto page = co_await co_run<net::Task>(pipeline, {}, fallback,
//                                          [&](Duration limit) -> net::Task<Page> { ... },
//                                          net::AsioEnv(executor));
//
//   co_run<Task>(pipeline, info, [fallback,] call, [classifier,] env)
//
// What the awaited call may return, how it is judged, and what comes out: reply.h. Another meaning of a value or an
// exception: classify.h. `Env` brings the clock and the timer:
//
//   TimePoint now()                    read now
//   awaitable of void sleep(Duration)  waits; net/asio_env.h has all of these for Asio
//   awaitable of std::optional<T> within(Duration limit, Task<T>)
//                                      optional: awaits the task, cancels it at the limit, and then gives nothing, or
//                                      what it still brought. A task of void gives std::monostate
//   awaitable of bool cancelled()      optional: the coroutine itself is being cancelled. What the call then throws is
//                                      thrown on; it says nothing of the callee: the attempt counts as cancelled
//   void transition(const Transition&) optional: told what the breaker did
//
// The limit of an attempt (the pipeline's timeout, or what is left of the deadline) is enforced by within(): a call
// that has not answered by then is cancelled, and a timeout. A call that returns a Reply judges by arrival itself, and
// is left to do so: at the limit the answer may lie in its socket. Without within() the rule of run() holds: a call
// that comes back late is a timeout to the policies, and its value is handed over, marked late.
//
// A coroutine that is destroyed while it waits, wherever it is, gives back every permit and slot.
//
// Thread rule: as the pipeline's, one worker. The pipeline and the fallback must outlive the coroutine; the call, the
// classifier and the env are moved into it.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "quoll/core/classify.h"
#include "quoll/core/reply.h"
#include "quoll/core/returned.h"

namespace quoll::core {

namespace internal {

template <typename Awaitable>
struct AwaitedOf {};
template <typename Awaitable>
requires requires(Awaitable awaitable) {
  awaitable.await_resume();
}
struct AwaitedOf<Awaitable> {
  using type = decltype(std::declval<Awaitable&>().await_resume());
};
template <template <typename...> class Task, typename T, typename... Rest>
requires(!requires(Task<T, Rest...> task) { task.await_resume(); }) struct AwaitedOf<Task<T, Rest...>> {
  using type = T;
};
// What the call's coroutine brings.
template <typename Call>
using Awaited =
    typename AwaitedOf<std::remove_cvref_t<decltype(invoke_within(std::declval<Call&>(), Duration()))>>::type;

template <typename Env>
concept AwaitingEnv = requires(Env& env, Duration time) {
  env.now();
  env.sleep(time);
};

// The env cuts this call off at the limit.
template <typename Call, typename Env>
concept CutOff = !kIsReply<std::remove_cvref_t<Awaited<Call>>> && requires(Env & env, Call& call, Duration limit) {
  env.within(limit, invoke_within(call, limit));
};

template <template <typename...> class Task, typename T, typename Call, typename Classifier, typename Env>
Task<Called<T>> co_run(const Pipeline& pipeline, CallInfo info, const Fallback<T>* fallback, Call call,
                       Classifier classifier, Env env) {
  PipelineCall state(pipeline, info);
  Reply<T> last;
  std::exception_ptr thrown;
  Step step = state.start(env.now());
  tell(state, env);
  while (step.next != Next::done) {
    if (step.next == Next::wait) {
      co_await env.sleep(step.wait);
      step = state.start(env.now());
    } else {
      const Duration limit = step.timeout;
      const TimePoint sent = env.now();
      thrown = nullptr;
      try {
        if constexpr (CutOff<Call, Env>) {
          auto returned = co_await env.within(limit, invoke_within(call, limit));
          if (!returned) {
            last = {.value = std::nullopt, .sample = {.outcome = Outcome::timeout, .upstream = limit}};
          } else if constexpr (std::is_void_v<Awaited<Call>>) {
            last = to_reply<T>(env.now() - sent, limit);
          } else {
            last = to_reply<T>(std::move(*returned), env.now() - sent, limit, classifier);
          }
        } else if constexpr (std::is_void_v<Awaited<Call>>) {
          co_await invoke_within(call, limit);
          last = to_reply<T>(env.now() - sent, limit);
        } else {
          auto returned = co_await invoke_within(call, limit);
          last = to_reply<T>(std::move(returned), env.now() - sent, limit, classifier);
        }
      } catch (const std::exception& error) {
        thrown = std::current_exception();
        last = to_reply<T>(error, env.now() - sent, limit, classifier);
      }
      if constexpr (requires { env.cancelled(); }) {
        if (thrown != nullptr) {
          const bool gone = co_await env.cancelled();
          if (gone) std::rethrow_exception(thrown);
        }
      }
      step = state.finish(last.sample, env.now(), last.info);
    }
    tell(state, env);
  }
  co_return conclude(state, last, std::move(thrown), fallback);
}

}  // namespace internal

// T is the fallback's.
template <template <typename...> class Task, typename T, CallableWithin Call, internal::AwaitingEnv Env>
Task<Called<T>> co_run(const Pipeline& pipeline, CallInfo info, const Fallback<T>& fallback, Call call, Env env) {
  return internal::co_run<Task, T>(pipeline, info, &fallback, std::move(call), internal::ByType(), std::move(env));
}
template <template <typename...> class Task, typename T, CallableWithin Call, typename Classifier,
          internal::AwaitingEnv Env>
Task<Called<T>> co_run(const Pipeline& pipeline, CallInfo info, const Fallback<T>& fallback, Call call,
                       Classifier classifier, Env env) {
  return internal::co_run<Task, T>(pipeline, info, &fallback, std::move(call), std::move(classifier), std::move(env));
}

// Without a fallback: T is what the call brings, or named, as in co_run<net::Task, Page>(pipeline, {}, call, env).
template <template <typename...> class Task, typename T = internal::Deduced, CallableWithin Call,
          internal::AwaitingEnv Env>
auto co_run(const Pipeline& pipeline, CallInfo info, Call call, Env env) {
  using To = internal::Answer<T, internal::Awaited<Call>>;
  return internal::co_run<Task, To>(pipeline, info, static_cast<const Fallback<To>*>(nullptr), std::move(call),
                                    internal::ByType(), std::move(env));
}
template <template <typename...> class Task, typename T = internal::Deduced, CallableWithin Call, typename Classifier,
          internal::AwaitingEnv Env>
auto co_run(const Pipeline& pipeline, CallInfo info, Call call, Classifier classifier, Env env) {
  using To = internal::Answer<T, internal::Awaited<Call>>;
  return internal::co_run<Task, To>(pipeline, info, static_cast<const Fallback<To>*>(nullptr), std::move(call),
                                    std::move(classifier), std::move(env));
}

}  // namespace quoll::core
