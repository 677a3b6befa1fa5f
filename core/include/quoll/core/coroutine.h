// co_run(): a pipeline around a coroutine, whatever its Task type: Asio's awaitable, or any other that is awaited by
// its like.
//
//   auto page = co_await co_run<net::Task>(pipeline, {}, fallback,
//                                          [&](Duration limit) -> net::Task<Reply<Page>> { ... },
//                                          net::AsioEnv(executor));
//
// What the awaited call may return, and how it is judged: reply.h. `Env` brings the clock and the timer:
//
//   TimePoint now()                    read now
//   awaitable of void sleep(Duration)  waits; net/asio_env.h has both for Asio
//   awaitable of bool cancelled()      optional: the coroutine itself is being cancelled. What the call then throws is
//                                      thrown on; it says nothing of the callee: the attempt counts as cancelled
//   void transition(const Transition&) optional: told what the breaker did
//
// A coroutine that is destroyed while it waits, wherever it is, gives back every permit and slot.
//
// Thread rule: as the pipeline's, one worker. The pipeline and the fallback must outlive the coroutine; the call and
// the env are moved into it.
#pragma once

#include <optional>
#include <utility>

#include "quoll/core/reply.h"

namespace quoll::core {

template <template <typename...> class Task, typename T, CallableWithin Call, typename Env>
Task<Called<T>> co_run(const Pipeline& pipeline, CallInfo info, const Fallback<T>& fallback, Call call, Env env) {
  PipelineCall state(pipeline, info);
  std::optional<T> value;
  std::exception_ptr thrown;
  Step step = state.start(env.now());
  internal::tell(state, env);
  while (step.next != Next::done) {
    if (step.next == Next::wait) {
      co_await env.sleep(step.wait);
      step = state.start(env.now());
    } else {
      const TimePoint sent = env.now();
      Reply<T> reply;
      thrown = nullptr;
      try {
        auto returned = co_await internal::invoke_within(call, step.timeout);
        reply = internal::to_reply<T>(std::move(returned), env.now() - sent, step.timeout);
      } catch (const std::exception&) {
        thrown = std::current_exception();
        reply = internal::no_reply<T>(env.now() - sent, step.timeout);
      }
      if constexpr (requires { env.cancelled(); }) {
        if (thrown != nullptr) {
          const bool gone = co_await env.cancelled();
          if (gone) std::rethrow_exception(thrown);
        }
      }
      value = std::move(reply.value);
      step = state.finish(reply.sample, env.now(), reply.info);
    }
    internal::tell(state, env);
  }
  co_return internal::conclude(state, std::move(value), std::move(thrown), &fallback);
}

}  // namespace quoll::core
