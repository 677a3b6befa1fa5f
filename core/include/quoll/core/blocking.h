// run(): a pipeline around a plain callable or a future, for code that may block.
//
//   auto page = run(pipeline, {}, fallback, [&](Duration limit) { return fetch(url, limit); });
//   if (page) use(*page.value);                               // page.source: null, or the fallback it came from
//   else log(explain(page.error));                            // refused by whom, or how the last attempt ended
//
// What the callable may return, and how it is judged: reply.h. A future (anything with wait_for and get) is waited for
// until the limit; one that is late is dropped, and its outcome is a timeout. Beware of the futures of std::async,
// whose destructor waits: those of a std::promise or a std::packaged_task do not. To run all of it in the background,
// call run() inside std::async. For coroutines: coroutine.h.
//
// The clock, the sleep and the wait are arguments (`Env`), since core calls none; the default is base's SteadyEnv.
//
// Thread rule: as the pipeline's, one worker. The transitions of the breaker go to env.transition(), if it has one.
#pragma once

#include <optional>
#include <utility>

#include "quoll/base/steady_env.h"
#include "quoll/core/reply.h"

namespace quoll::core {

namespace internal {

template <typename T>
concept FutureLike = requires(T future, Duration limit) {
  future.wait_for(limit);
  future.get();
};

template <typename T, typename Call, typename Env>
Reply<T> attempt(Call& call, Duration limit, Env& env, std::exception_ptr& thrown) {
  const TimePoint sent = env.now();
  thrown = nullptr;
  try {
    auto&& returned = invoke_within(call, limit);
    using Returned = decltype(returned);
    if constexpr (FutureLike<std::remove_cvref_t<Returned>>) {
      if (!env.wait(returned, limit)) {
        return {.value = std::nullopt, .sample = {.outcome = Outcome::timeout, .upstream = limit}};
      }
      auto&& result = returned.get();
      return to_reply<T>(std::forward<decltype(result)>(result), env.now() - sent, limit);
    } else {
      return to_reply<T>(std::forward<Returned>(returned), env.now() - sent, limit);
    }
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  return no_reply<T>(env.now() - sent, limit);
}

template <typename T, typename Call, typename Env>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, const Fallback<T>* fallback, Call& call, Env& env) {
  PipelineCall state(pipeline, info);
  std::optional<T> value;
  std::exception_ptr thrown;
  Step step = state.start(env.now());
  tell(state, env);
  while (step.next != Next::done) {
    if (step.next == Next::wait) {
      env.sleep(step.wait);
      step = state.start(env.now());
    } else {
      Reply<T> reply = attempt<T>(call, step.timeout, env, thrown);
      value = std::move(reply.value);
      step = state.finish(reply.sample, env.now(), reply.info);
    }
    tell(state, env);
  }
  return conclude(state, std::move(value), std::move(thrown), fallback);
}

}  // namespace internal

template <typename T, CallableWithin Call, typename Env = SteadyEnv>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, const Fallback<T>& fallback, Call&& call,
              Env&& env = {}) {
  return internal::run<T>(pipeline, info, &fallback, call, env);
}

// Without a fallback: run<Page>(pipeline, {}, call).
template <typename T, CallableWithin Call, typename Env = SteadyEnv>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, Call&& call, Env&& env = {}) {
  return internal::run<T, Call, Env>(pipeline, info, nullptr, call, env);
}

}  // namespace quoll::core
