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

// The circuit of argument 0. Null once it has thrown.
Circuit* circuit_of(const Arguments& arguments) {
  std::int64_t id = 0;
  if (!arguments.integer(0, "circuit", 0, kMostNumber, id)) return nullptr;
  EnvState* state = state_of(arguments);
  const auto index = static_cast<std::size_t>(id);
  if (index < state->circuits.size() && state->circuits[index] != nullptr) return state->circuits[index].get();
  throw_type_error(arguments.env(), "quoll: circuit is none of this environment");
  return nullptr;
}

// Only this thread writes; the page server's reads.
template <typename T>
void bump(std::atomic<T>& counter, int by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + static_cast<T>(by), std::memory_order_relaxed);
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
  std::size_t circuit;
};

void forget_circuit(napi_env /*env*/, void* data, void* /*hint*/) {
  const std::unique_ptr<Forget> forget(static_cast<Forget*>(data));
  const std::shared_ptr<EnvState> state = forget->state.lock();
  if (state == nullptr) return;
  const std::shared_ptr<Circuit> circuit = std::move(state->circuits[forget->circuit]);
  state->calls.remove_all(circuit.get());
  state->pages->remove(circuit.get());
  state->free_circuits.push_back(forget->circuit);
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
  EnvState* state = state_of(arguments);
  // A number that is free again is taken: a program that makes breakers and drops them all day holds no list of them.
  std::size_t id = state->circuits.size();
  if (!state->free_circuits.empty()) {
    id = state->free_circuits.back();
    state->free_circuits.pop_back();
  } else {
    state->circuits.emplace_back();
  }
  const auto circuit = std::make_shared<Circuit>(options);
  circuit->board.to_steady.store((steady_now() - state->now()).count(), std::memory_order_relaxed);
  state->circuits[id] = circuit;
  state->pages->add(circuit);
  auto* forget = new Forget{state->weak_from_this(), id};
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
  const core::Step step = call->start(state.now());
  keep_moves(state, circuit, *call);
  if (step.next != core::Next::send) {
    state.slots[kLocal] = to_millis(call->error().retry_after);
    state.calls.remove(number);
    number = -1;
  } else {
    state.slots[kUpstream] =
        step.timeout == Duration::max() ? std::numeric_limits<double>::infinity() : to_millis(step.timeout);
    state.slots[kTrial] = call->trial() ? 1 : 0;
    circuit.board.in_flight.store(static_cast<std::int64_t>(state.slots[kInFlight]), std::memory_order_relaxed);
  }
  return make_int(env, number);
}

// start(circuit, idempotent) -> the call's number, or -1: refused.
napi_value start(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  std::int64_t idempotent = 0;
  if (circuit == nullptr || !arguments.integer(1, "idempotent", 0, 1, idempotent)) return nullptr;
  EnvState& state = *state_of(arguments);
  circuit->begun.add(state.now());
  bump(circuit->board.fires);
  const std::int32_t number = state.calls.add(*circuit, idempotent != 0);
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

// finish(call, word) -> 0: over, 1: another attempt after a wait.
// The word is [flags | outcome:3].
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
  const TimePoint now = state.now();
  const core::Sample sample{.outcome = static_cast<core::Outcome>(outcome),
                            .upstream = to_duration(state.slots[kUpstream]),
                            .local = to_duration(state.slots[kLocal]),
                            .rescued = (word & kRescuedBit) != 0};
  if (sample.outcome != core::Outcome::success ||
      circuit.pipeline.breaker->options().slow_call_threshold > Duration()) {
    circuit.tell_begun(now);
  }
  const core::Step step =
      call->finish(sample, now, {.never_sent = (word & kNeverSentBit) != 0, .late = (word & kNoRetryBit) != 0});
  circuit.tell_nothing_begun();
  keep_moves(state, circuit, *call);
  circuit.board.in_flight.store(static_cast<std::int64_t>(state.slots[kInFlight]), std::memory_order_relaxed);
  if (sample.outcome == core::Outcome::ignored) bump(circuit.board.inconclusive);
  const bool wait = step.next == core::Next::wait;
  if (wait) {
    state.slots[kUpstream] = to_millis(step.wait);
  } else {
    state.calls.remove(name);
  }
  return make_int(env, wait ? 1 : 0);
}

// successes(count): so many rows of the batch, each a call that was let through by a circuit which is closed still, and
// whose answer was good and in time. Each is a call of the engine, begun and ended here.
napi_value successes(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t count = 0;
  if (!arguments.integer(0, "count", 0, kBatch, count)) return nullptr;
  EnvState& state = *state_of(arguments);
  for (std::int64_t i = 0; i < count; ++i) {
    const double* row = state.slots + kSlots + static_cast<std::size_t>(i) * kBatchRow;
    const auto index = static_cast<std::size_t>(row[0]);
    if (!(row[0] >= 0) || index >= state.circuits.size() || state.circuits[index] == nullptr) continue;
    Circuit& circuit = *state.circuits[index];
    const TimePoint ended = to_time(row[1]);
    circuit.begun.add(ended);
    bump(circuit.board.fires);
    core::PipelineCall call(circuit.pipeline, {});
    if (call.start(ended).next == core::Next::send) {
      call.finish({.outcome = core::Outcome::success, .upstream = to_duration(row[2])}, ended);
    }
    circuit.keep(call.take_transition());
    circuit.board.in_flight.store(static_cast<std::int64_t>(row[3]), std::memory_order_relaxed);
  }
  return nullptr;
}

// drop(call): nothing more will be said of it. Dropping one that is over is well.
napi_value drop(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t number = 0;
  if (!arguments.integer(0, "call", 0, kMostNumber, number)) return nullptr;
  EnvState& state = *state_of(arguments);
  const auto name = static_cast<std::int32_t>(number);
  state.calls.remove(name);
  return nullptr;
}

// command(circuit, what): open | close | poll | warm | cool, by hand or by time.
napi_value command(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  std::string what;
  if (circuit == nullptr || !arguments.text(1, "what", what)) return nullptr;
  EnvState& state = *state_of(arguments);
  const TimePoint now = state.now();
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
    circuit->tell_nothing_begun();
  } else {
    throw_type_error(env, "quoll: what must be open, close, poll, warm or cool");
    return nullptr;
  }
  state.slots[kMoved] = circuit->untold.empty() ? 0 : 1;
  return nullptr;
}

// prime(circuit, fires, successes, failures, timeouts): counts from before, as if they had just been.
napi_value prime(napi_env env, napi_callback_info info) {
  constexpr std::int64_t kMostPrimed = 100'000;
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  std::int64_t fires = 0;
  std::int64_t counts[3] = {};
  if (circuit == nullptr || !arguments.integer(1, "fires", 0, kMostNumber, fires)) return nullptr;
  const char* names[] = {"successes", "failures", "timeouts"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!arguments.integer(2 + i, names[i], 0, kMostNumber, counts[i])) return nullptr;
  }
  const TimePoint now = state_of(arguments)->now();
  circuit->begun.add(now, static_cast<std::uint32_t>(fires));
  const core::Outcome outcomes[] = {core::Outcome::success, core::Outcome::failure, core::Outcome::timeout};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::int64_t n = 0; n < std::min(counts[i], kMostPrimed); ++n) {
      core::Admission admission = circuit->breaker.try_acquire(now);
      if (!admission) break;
      circuit->keep(circuit->breaker.record(std::move(*admission.permit), {.outcome = outcomes[i]}, now));
    }
  }
  return nullptr;
}

// count(circuit, what): fallback | capacity | begun.
napi_value count(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  std::string what;
  if (circuit == nullptr || !arguments.text(1, "what", what)) return nullptr;
  if (what == "fallback")
    bump(circuit->board.fallbacks);
  else if (what == "capacity")
    bump(circuit->board.capacity_refusals);
  else if (what == "begun")
    circuit->begun.add(state_of(arguments)->now());
  else
    throw_type_error(env, "quoll: what must be fallback, capacity or begun");
  return nullptr;
}

// state(circuit) -> core's State as a number.
napi_value state_number(napi_env env, napi_callback_info info) {
  Circuit* circuit = circuit_of(Arguments(env, info));
  if (circuit == nullptr) return nullptr;
  return make_int(env, static_cast<std::int32_t>(circuit->breaker.state()));
}

// refusesFor(circuit) -> ms until a call may pass: 0 now, Infinity if nobody knows.
napi_value refuses_for(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  if (circuit == nullptr) return nullptr;
  const Duration left = circuit->breaker.refuses_for(state_of(arguments)->now());
  return make(env, left == Duration::max() ? std::numeric_limits<double>::infinity() : to_millis(left));
}

// noteStall(circuit, ms): our own loop stood still for so long.
napi_value note_stall(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
  double millis = 0;
  if (circuit == nullptr || !arguments.number(1, "stall", millis)) return nullptr;
  circuit->breaker.note_local_stall(to_duration(millis), state_of(arguments)->now());
  return nullptr;
}

// takeTransitions(circuit) -> those not taken yet, oldest first.
napi_value take_transitions(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Circuit* circuit = circuit_of(arguments);
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
  Circuit* circuit = circuit_of(arguments);
  if (circuit == nullptr) return nullptr;
  return to_js(env, *circuit, state_of(arguments)->now());
}

}  // namespace

void define_circuit_functions(napi_env env, napi_value exports, EnvState* state) {
  const Function functions[] = {
      {"createCircuit", create_circuit},
      {"start", start},
      {"again", again},
      {"finish", finish},
      {"successes", successes},
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
