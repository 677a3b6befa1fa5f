// run(): a pipeline around a plain callable, for code that may block.
//
//   auto reply = run<Page>(pipeline, {.deadline = Deadline::in(1s, now)}, fallback, [&](Duration timeout) {
//     return fetch(url, timeout);                              // -> Reply<Page>
//   });
//   if (reply) use(*reply.value);                              // reply.source: null, or the fallback it came from
//
// For a std::future, run it inside std::async. Coroutines drive PipelineCall themselves, see pipeline.h.
//
// The clock and the sleep are arguments (`Env`), since core calls neither; the default is base's SteadyEnv.
//
// Thread rule: as the pipeline's, one worker. The transitions of the breaker go to env.transition(), if it has one.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "quoll/base/steady_env.h"
#include "quoll/base/time.h"
#include "quoll/core/fallback.h"
#include "quoll/core/pipeline.h"

namespace quoll::core {

// What the callable returns: a sample in any case, and a value with a success.
template <typename T>
struct Reply {
  std::optional<T> value;
  Sample sample;
  AttemptInfo info = {};
};

template <typename T>
struct Called {
  std::optional<T> value;
  // Where a fallback's value came from; null for the real answer.
  const std::string* source = nullptr;
  // Why there was no real answer; meaningful without one.
  CallError error;

  explicit operator bool() const { return value.has_value(); }
};

template <typename T, typename Call, typename Env = SteadyEnv>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, const Fallback<T>& fallback, Call&& call,
              Env&& env = {}) {
  PipelineCall state(pipeline, info);
  std::optional<T> value;
  const auto tell = [&] {
    if constexpr (requires(Transition t) { env.transition(t); }) {
      if (const auto transition = state.take_transition()) env.transition(*transition);
    }
  };
  Step step = state.start(env.now());
  tell();
  while (step.next != Next::done) {
    if (step.next == Next::wait) {
      env.sleep(step.wait);
      step = state.start(env.now());
    } else {
      Reply<T> reply = call(step.timeout);
      value = std::move(reply.value);
      step = state.finish(reply.sample, env.now(), reply.info);
    }
    tell();
  }
  if (state.succeeded() && value) return {.value = std::move(value), .error = {}};
  if (auto other = fallback.answer(state.error())) {
    return {.value = std::move(other->value), .source = other->source, .error = state.error()};
  }
  return {.value = std::nullopt, .error = state.error()};
}

}  // namespace quoll::core
