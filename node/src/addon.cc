// The add-on's beginning and end: one EnvState for each environment that loads it.
#include <cstring>

#include "env_state.h"
#include "js.h"

namespace quoll::node {

namespace {

void free_state(napi_env /*env*/, void* data, void* /*hint*/) {
  delete static_cast<std::shared_ptr<EnvState>*>(data);
}

// bind(numbers, now): the array through which numbers cross.
napi_value bind(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  auto* state = static_cast<EnvState*>(arguments.data());
  napi_value array = nullptr;
  double now = 0;
  if (!arguments.object(0, "numbers", array) || !arguments.number(1, "now", now)) return nullptr;
  napi_typedarray_type type = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array || length < kNumbers) {
    throw_type_error(env, "quoll: numbers must be a Float64Array of " + std::to_string(kNumbers));
    return nullptr;
  }
  if (state->slots_ref != nullptr) napi_delete_reference(env, state->slots_ref);
  napi_create_reference(env, array, 1, &state->slots_ref);
  state->slots = static_cast<double*>(data);
  state->now_offset = to_millis(steady_now().time_since_epoch()) - now;
  return nullptr;
}

}  // namespace

TimePoint EnvState::now() {
  if (slots[kNow] == 0) slots[kNow] = to_millis(steady_now().time_since_epoch()) - now_offset;
  return to_time(slots[kNow]);
}

}  // namespace quoll::node

NAPI_MODULE_INIT() {
  using namespace quoll::node;
  auto* owner = new std::shared_ptr<EnvState>(std::make_shared<EnvState>());
  if (napi_set_instance_data(env, owner, free_state, nullptr) != napi_ok) {
    delete owner;
    return exports;
  }
  EnvState* state = owner->get();
  const Function functions[] = {{"bind", bind}};
  define(env, exports, state, functions);
  define_circuit_functions(env, exports, state);
  define_socket_functions(env, exports, state);
  define_admission_functions(env, exports, state);
  define_page_functions(env, exports, state);
  return exports;
}
