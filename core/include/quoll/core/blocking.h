// run(): a pipeline around a plain callable or a future, for code that may block.
//
//   auto page = run(pipeline, {}, fallback, [&](Duration limit) { return fetch(url, limit); });
//   if (page) use(*page.value);                               // page.source: null, or the fallback it came from
//   else log(explain(page.error));                            // refused by whom, or how the last attempt ended
//
//   run(pipeline, info, [fallback,] call, [classifier,] [env])
//
// What the callable may return, how it is judged, and what comes out: reply.h. Another meaning of a value or an
// exception: classify.h.
//
// The limit of an attempt (the pipeline's timeout, or what is left of the deadline) is told to a call that takes it,
// and is the call's to keep: a thread that blocks in somebody else's code cannot be called back. What can be done is
// done: a call that comes back late is a timeout to the policies, and its value is handed over, marked late. A future
// (anything with wait_for and get) is waited for until the limit, and is in time if it is ready then, however late this
// thread gets to look; one that is late is dropped, and its outcome is a timeout. Beware of the futures of std::async,
// whose destructor waits: those of a std::promise or a std::packaged_task do not. To run all of it in the background,
// call run() inside std::async. For coroutines: coroutine.h.
//
// The clock, the sleep and the wait are arguments (`Env`), since core calls none; the default is base's SteadyEnv.
//
// Thread rule: as the pipeline's, one worker. The transitions of the breaker go to env.transition(), if it has one, and
// to the pipeline's observer.
#pragma once

#include <algorithm>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "quoll/base/steady_env.h"
#include "quoll/core/classify.h"
#include "quoll/core/reply.h"
#include "quoll/core/returned.h"

namespace quoll::core {

namespace internal {

template <typename T>
concept FutureLike = requires(T future, Duration limit) {
  future.wait_for(limit);
  future.get();
};

template <typename Env>
concept BlockingEnv = requires(std::remove_cvref_t<Env>& env, Duration time) {
  env.now();
  env.sleep(time);
};

template <typename Call>
using Returns = decltype(invoke_within(std::declval<Call&>(), Duration()));

template <typename R>
struct DeliversOf {
  using type = R;
};
template <FutureLike R>
struct DeliversOf<R> {
  using type = decltype(std::declval<R&>().get());
};
// What the call returns, or its future holds.
template <typename Call>
using Delivers = typename DeliversOf<std::remove_reference_t<Returns<Call>>>::type;

template <typename Future>
bool is_deferred(Future& future) {
  using Status = decltype(future.wait_for(Duration()));
  if constexpr (requires { Status::deferred; }) {
    return future.wait_for(Duration::zero()) == Status::deferred;
  } else {
    return false;
  }
}

// Makes one attempt. Its time runs from the construction, and stops when a future was found ready.
template <typename T, typename Classifier, typename Env>
class Attempted {
 public:
  Attempted(Duration limit, Classifier& classifier, Env& env)
      : limit_(limit), classifier_(classifier), env_(env), sent_(env.now()) {}

  template <typename Call>
  Reply<T> reply(Call& call) {
    if constexpr (FutureLike<std::remove_reference_t<Returns<Call>>>) {
      auto&& future = invoke_within(call, limit_);
      if (!is_deferred(future) && !wait(future)) {
        return {.value = std::nullopt, .sample = {.outcome = Outcome::timeout, .upstream = limit_}};
      }
      return received([&future]() -> decltype(auto) { return future.get(); });
    } else {
      return received([&]() -> decltype(auto) { return invoke_within(call, limit_); });
    }
  }
  Reply<T> reply(const std::exception& thrown) { return to_reply<T>(thrown, took(), limit_, classifier_); }

 private:
  Duration took() const { return known_ ? *known_ : env_.now() - sent_; }

  template <typename Future>
  bool wait(Future& future) {
    const Duration before = env_.now() - sent_;
    const Duration left = limit_ == Duration::max() ? limit_ : std::max(limit_ - before, Duration::zero());
    if (!env_.wait(future, left)) return false;
    // Ready when the wait ended is ready in time, even if this thread did not run for a while after.
    known_ = std::max(before, std::min(env_.now() - sent_, limit_));
    return true;
  }

  template <typename Receive>
  Reply<T> received(Receive receive) {
    if constexpr (std::is_void_v<decltype(receive())>) {
      receive();
      return to_reply<T>(took(), limit_);
    } else {
      auto&& returned = receive();
      return to_reply<T>(std::forward<decltype(returned)>(returned), took(), limit_, classifier_);
    }
  }

  const Duration limit_;
  Classifier& classifier_;
  Env& env_;
  const TimePoint sent_;
  std::optional<Duration> known_;
};

template <typename T, typename Call, typename Classifier, typename Env>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, const Fallback<T>* fallback, Call& call,
              Classifier& classifier, Env& env) {
  PipelineCall state(pipeline, info);
  Reply<T> last;
  std::exception_ptr thrown;
  Step step = state.start(env.now());
  tell(state, env);
  while (step.next != Next::done) {
    if (step.next == Next::wait) {
      env.sleep(step.wait);
      step = state.start(env.now());
    } else {
      Attempted<T, Classifier, Env> attempt(step.timeout, classifier, env);
      thrown = nullptr;
      try {
        last = attempt.reply(call);
      } catch (const std::exception& error) {
        thrown = std::current_exception();
        last = attempt.reply(error);
      }
      step = state.finish(last.sample, env.now(), last.info);
    }
    tell(state, env);
  }
  return conclude(state, last, std::move(thrown), fallback);
}

}  // namespace internal

// T is the fallback's.
template <typename T, CallableWithin Call, internal::BlockingEnv Env = SteadyEnv>
Called<T> run(const Pipeline& pipeline, const CallInfo& info, const Fallback<T>& fallback, Call&& call,
              Env&& env = {}) {
  internal::ByType by_type;
  return internal::run<T>(pipeline, info, &fallback, call, by_type, env);
}
template <typename T, CallableWithin Call, typename Classifier, internal::BlockingEnv Env = SteadyEnv>
requires(!internal::BlockingEnv<Classifier>) Called<T> run(const Pipeline& pipeline, const CallInfo& info,
                                                           const Fallback<T>& fallback, Call&& call,
                                                           Classifier&& classifier, Env&& env = {}) {
  return internal::run<T>(pipeline, info, &fallback, call, classifier, env);
}

// Without a fallback: T is what the call brings, or named, as in run<Page>(pipeline, {}, call).
template <typename T = internal::Deduced, CallableWithin Call, internal::BlockingEnv Env = SteadyEnv>
auto run(const Pipeline& pipeline, const CallInfo& info, Call&& call, Env&& env = {}) {
  using To = internal::Answer<T, internal::Delivers<Call>>;
  internal::ByType by_type;
  return internal::run<To>(pipeline, info, static_cast<const Fallback<To>*>(nullptr), call, by_type, env);
}
template <typename T = internal::Deduced, CallableWithin Call, typename Classifier,
          internal::BlockingEnv Env = SteadyEnv>
requires(!internal::BlockingEnv<Classifier>) auto run(const Pipeline& pipeline, const CallInfo& info, Call&& call,
                                                      Classifier&& classifier, Env&& env = {}) {
  using To = internal::Answer<T, internal::Delivers<Call>>;
  return internal::run<To>(pipeline, info, static_cast<const Fallback<To>*>(nullptr), call, classifier, env);
}

}  // namespace quoll::core
