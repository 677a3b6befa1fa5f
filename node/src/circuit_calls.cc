// The functions of a circuit that JavaScript calls: make one, ask for a call, say what became of it, look.
#include <algorithm>
#include <limits>

#include "circuit_options.h"
#include "env_state.h"
#include "js.h"
#include "report.h"

namespace quoll::node {

namespace {

constexpr std::int64_t kMostNumber = std::numeric_limits<std::int32_t>::max();

EnvState* state_of(const Arguments& arguments) {
  return static_cast<EnvState*>(arguments.data());
}

TimePoint now_of(const EnvState& state) {
  return to_time(state.slots[kNow]);
}

// The circuit of argument 0. Null once it has thrown.
std::shared_ptr<Circuit> circuit_of(const Arguments& arguments) {
  std::int64_t id = 0;
  if (!arguments.integer(0, "circuit", 1, std::numeric_limits<std::int64_t>::max() / 1024, id)) return nullptr;
  EnvState* state = state_of(arguments);
  const auto found = state->circuits.find(id);
  if (found == state->circuits.end() || state->slots == nullptr) {
    throw_type_error(arguments.env(), "quoll: circuit is none of this environment");
    return nullptr;
  }
  return found->second;
}

core::PipelineCall* call_of(const Arguments& arguments, std::int64_t& number) {
  if (!arguments.integer(0, "call", 0, kMostNumber, number)) return nullptr;
  core::PipelineCall* call = state_of(arguments)->calls.find(static_cast<std::int32_t>(number));
  if (call == nullptr) throw_type_error(arguments.env(), "quoll: call is over, or never was");
  return call;
}

void keep_moves(EnvState& state, Circuit& circuit, core::PipelineCall& call) {
  circuit.keep(call.take_transition());
  state.slots[kMoved] = circuit.untold.empty() ? 0 : 1;
}

struct Forget {
  std::weak_ptr<EnvState> state;
  std::int64_t circuit;
};

void forget_circuit(napi_env /*env*/, void* data, void* /*hint*/) {
  const std::unique_ptr<Forget> forget(static_cast<Forget*>(data));
  const std::shared_ptr<EnvState> state = forget->state.lock();
  if (state == nullptr) return;
  const auto found = state->circuits.find(forget->circuit);
  if (found == state->circuits.end()) return;
  state->calls.remove_all(found->second.get());
  state->pages->remove(found->second.get());
  state->circuits.erase(found);
}

// createCircuit(options) -> { id, owner }: the circuit lives as long as `owner` is held.
napi_value create_circuit(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value object = nullptr;
  CircuitOptions options;
  if (!arguments.object(0, "options", object) || !read_options(env, object, options)) return nullptr;
  if (state_of(arguments)->slots == nullptr) {
    throw_type_error(env, "quoll: bind(numbers) comes before the first circuit");
    return nullptr;
  }
  void* owner = nullptr;
  napi_get_instance_data(env, &owner);
  EnvState* state = state_of(arguments);
  const std::int64_t id = state->next_circuit++;
  const auto circuit = std::make_shared<Circuit>(options);
  circuit->board.to_steady.store((steady_now() - now_of(*state)).count(), std::memory_order_relaxed);
  state->circuits.emplace(id, circuit);
  state->pages->add(circuit);
  auto* forget = new Forget{*static_cast<std::shared_ptr<EnvState>*>(owner), id};
  napi_value keeper = nullptr;
  napi_create_external(env, forget, forget_circuit, nullptr, &keeper);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  put(env, result, "id", static_cast<double>(id));
  put(env, result, "owner", keeper);
  return result;
}

napi_value begin(EnvState& state, Circuit& circuit, std::int32_t number, napi_env env) {
  core::PipelineCall* call = state.calls.find(number);
  const core::Step step = call->start(now_of(state));
  keep_moves(state, circuit, *call);
  if (step.next != core::Next::send) {
    state.slots[kLocal] = to_millis(call->error().retry_after);
    state.calls.remove(number);
    number = -1;
  } else {
    state.slots[kUpstream] =
        step.timeout == Duration::max() ? std::numeric_limits<double>::infinity() : to_millis(step.timeout);
    state.slots[kTrial] = call->trial() ? 1 : 0;
    circuit.board.in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  napi_value result = nullptr;
  napi_create_int32(env, number, &result);
  return result;
}

// start(circuit, idempotent) -> the call's number, or -1: refused.
napi_value start(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  std::int64_t idempotent = 0;
  if (circuit == nullptr || !arguments.integer(1, "idempotent", 0, 1, idempotent)) return nullptr;
  EnvState& state = *state_of(arguments);
  circuit->begun.add(now_of(state));
  circuit->board.fires.fetch_add(1, std::memory_order_relaxed);
  const std::int32_t number = state.calls.add(circuit, idempotent != 0);
  if (number < 0) {
    throw_range_error(env, "quoll: more than " + std::to_string(Calls::kMost) + " calls are under way");
    return nullptr;
  }
  return begin(state, *circuit, number, env);
}

// again(call) -> as start(), for the next attempt.
napi_value again(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t number = 0;
  if (call_of(arguments, number) == nullptr) return nullptr;
  EnvState& state = *state_of(arguments);
  Circuit* circuit = state.calls.circuit_of(static_cast<std::int32_t>(number));
  return begin(state, *circuit, static_cast<std::int32_t>(number), env);
}

// finish(call, word) -> 0: over, 1: another attempt after a wait. The word is [flags | outcome:3].
napi_value finish(napi_env env, napi_callback_info info) {
  constexpr std::int64_t kRescuedBit = 8;
  constexpr std::int64_t kNeverSentBit = 16;
  constexpr std::int64_t kNoRetryBit = 32;
  const Arguments arguments(env, info);
  std::int64_t number = 0;
  std::int64_t word = 0;
  core::PipelineCall* call = call_of(arguments, number);
  if (call == nullptr || !arguments.integer(1, "word", 0, 63, word)) return nullptr;
  const std::int64_t outcome = word & 7;
  if (outcome >= static_cast<std::int64_t>(core::kOutcomes)) {
    throw_range_error(env, "quoll: word has no such outcome");
    return nullptr;
  }
  EnvState& state = *state_of(arguments);
  const auto name = static_cast<std::int32_t>(number);
  Circuit& circuit = *state.calls.circuit_of(name);
  const TimePoint now = now_of(state);
  const core::Sample sample{.outcome = static_cast<core::Outcome>(outcome),
                            .upstream = to_duration(state.slots[kUpstream]),
                            .local = to_duration(state.slots[kLocal]),
                            .rescued = (word & kRescuedBit) != 0};
  if (sample.outcome != core::Outcome::success) circuit.tell_begun(now);
  const core::Step step =
      call->finish(sample, now, {.never_sent = (word & kNeverSentBit) != 0, .late = (word & kNoRetryBit) != 0});
  keep_moves(state, circuit, *call);
  circuit.board.in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (sample.outcome == core::Outcome::ignored) circuit.board.inconclusive.fetch_add(1, std::memory_order_relaxed);
  const bool wait = step.next == core::Next::wait;
  if (wait) {
    state.slots[kUpstream] = to_millis(step.wait);
  } else {
    state.calls.remove(name);
  }
  napi_value result = nullptr;
  napi_create_int32(env, wait ? 1 : 0, &result);
  return result;
}

// drop(call): nothing more will be said of it. Dropping one that is over is well.
napi_value drop(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t number = 0;
  if (!arguments.integer(0, "call", 0, kMostNumber, number)) return nullptr;
  EnvState& state = *state_of(arguments);
  const auto name = static_cast<std::int32_t>(number);
  if (Circuit* circuit = state.calls.circuit_of(name)) circuit->board.in_flight.fetch_sub(1, std::memory_order_relaxed);
  state.calls.remove(name);
  return nullptr;
}

// command(circuit, what): open | close | poll | warm | cool, by hand or by time.
napi_value command(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  std::string what;
  if (circuit == nullptr || !arguments.text(1, "what", what)) return nullptr;
  EnvState& state = *state_of(arguments);
  const TimePoint now = now_of(state);
  if (what == "open") {
    circuit->keep(circuit->breaker.open(now));
  } else if (what == "close") {
    circuit->keep(circuit->breaker.close(now));
  } else if (what == "poll") {
    if (circuit->breaker.state() == core::State::open && circuit->breaker.refuses_for(now) == Duration::zero()) {
      // The permit is dropped: nobody has called yet, and the place of the trial stays free.
      const core::Admission admission = circuit->breaker.try_acquire(now);
      circuit->keep(admission.transition);
    } else {
      circuit->keep(circuit->breaker.poll(now));
    }
  } else if (what == "warm" || what == "cool") {
    circuit->warming = what == "warm";
  } else {
    throw_type_error(env, "quoll: what must be open, close, poll, warm or cool");
    return nullptr;
  }
  state.slots[kMoved] = circuit->untold.empty() ? 0 : 1;
  return nullptr;
}

// prime(circuit, fires, failures, timeouts, successes): counts from before, as if they had just been.
napi_value prime(napi_env env, napi_callback_info info) {
  constexpr std::int64_t kMostPrimed = 100'000;
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  std::int64_t fires = 0;
  std::int64_t counts[3] = {};
  if (circuit == nullptr || !arguments.integer(1, "fires", 0, kMostNumber, fires)) return nullptr;
  const char* names[] = {"successes", "failures", "timeouts"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!arguments.integer(2 + i, names[i], 0, kMostNumber, counts[i])) return nullptr;
  }
  const TimePoint now = now_of(*state_of(arguments));
  circuit->begun.add(now, static_cast<std::uint32_t>(fires));
  circuit->breaker.count_begun(std::numeric_limits<std::uint32_t>::max());
  const core::Outcome outcomes[] = {core::Outcome::success, core::Outcome::failure, core::Outcome::timeout};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::int64_t n = 0; n < std::min(counts[i], kMostPrimed); ++n) {
      core::Admission admission = circuit->breaker.try_acquire(now);
      if (!admission) break;
      circuit->keep(circuit->breaker.record(std::move(*admission.permit), {.outcome = outcomes[i]}, now));
    }
  }
  circuit->tell_begun(now);
  return nullptr;
}

// count(circuit, what): fallback | capacity | begun | inconclusive.
napi_value count(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  std::string what;
  if (circuit == nullptr || !arguments.text(1, "what", what)) return nullptr;
  if (what == "fallback")
    circuit->board.fallbacks.fetch_add(1, std::memory_order_relaxed);
  else if (what == "capacity")
    circuit->board.capacity_refusals.fetch_add(1, std::memory_order_relaxed);
  else if (what == "begun")
    circuit->begun.add(now_of(*state_of(arguments)));
  else
    throw_type_error(env, "quoll: what must be fallback, capacity or begun");
  return nullptr;
}

// state(circuit) -> core's State as a number.
napi_value state_number(napi_env env, napi_callback_info info) {
  const std::shared_ptr<Circuit> circuit = circuit_of(Arguments(env, info));
  if (circuit == nullptr) return nullptr;
  napi_value result = nullptr;
  napi_create_int32(env, static_cast<std::int32_t>(circuit->breaker.state()), &result);
  return result;
}

// refusesFor(circuit) -> ms until a call may pass: 0 now, Infinity if nobody knows.
napi_value refuses_for(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  if (circuit == nullptr) return nullptr;
  const Duration left = circuit->breaker.refuses_for(now_of(*state_of(arguments)));
  return make(env, left == Duration::max() ? std::numeric_limits<double>::infinity() : to_millis(left));
}

// noteStall(circuit, ms): our own loop stood still for so long.
napi_value note_stall(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  double millis = 0;
  if (circuit == nullptr || !arguments.number(1, "stall", millis)) return nullptr;
  circuit->breaker.note_local_stall(to_duration(millis), now_of(*state_of(arguments)));
  return nullptr;
}

// takeTransitions(circuit) -> those not taken yet, oldest first.
napi_value take_transitions(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  if (circuit == nullptr) return nullptr;
  const std::vector<core::Transition> taken = std::exchange(circuit->untold, {});
  napi_value array = nullptr;
  napi_create_array_with_length(env, taken.size(), &array);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    napi_set_element(env, array, static_cast<std::uint32_t>(i), to_js(env, taken[i]));
  }
  return array;
}

// report(circuit) -> core's snapshot, its journal, and explain() in words.
napi_value report(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const std::shared_ptr<Circuit> circuit = circuit_of(arguments);
  if (circuit == nullptr) return nullptr;
  circuit->tell_begun(now_of(*state_of(arguments)));
  return to_js(env, *circuit, now_of(*state_of(arguments)));
}

}  // namespace

void define_circuit_functions(napi_env env, napi_value exports, EnvState* state) {
  const Function functions[] = {
      {"createCircuit", create_circuit},
      {"start", start},
      {"again", again},
      {"finish", finish},
      {"drop", drop},
      {"command", command},
      {"prime", prime},
      {"count", count},
      {"state", state_number},
      {"refusesFor", refuses_for},
      {"noteStall", note_stall},
      {"takeTransitions", take_transitions},
      {"report", report},
  };
  define(env, exports, state, functions);
}

}  // namespace quoll::node
