// The functions by which a middleware asks core's admission control about a request, by its true age.
#include <limits>

#include "env_state.h"
#include "js.h"
#include "socket_look.h"

namespace quoll::node {

namespace {

EnvState* state_of(const Arguments& arguments) {
  return static_cast<EnvState*>(arguments.data());
}

core::AdmissionControl* admission_of(const Arguments& arguments) {
  std::int64_t id = 0;
  if (!arguments.integer(0, "admission", 1, std::numeric_limits<std::int32_t>::max(), id)) return nullptr;
  EnvState* state = state_of(arguments);
  const auto found = state->admissions.find(id);
  if (found == state->admissions.end() || state->slots == nullptr) {
    throw_type_error(arguments.env(), "quoll: admission is none of this environment");
    return nullptr;
  }
  return found->second.get();
}

// createAdmission({target, interval, maxDelay, priorities, fair}) -> its number. They live as long as the environment.
napi_value create_admission(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value object = nullptr;
  if (!arguments.object(0, "options", object)) return nullptr;
  core::AdmissionOptions options;
  double priorities = options.priorities;
  double fair = 1;
  // One that is not given stays core's default, which moves with the others.
  const auto read = [env, object](const char* name, core::Defaulted<Duration>& out) {
    double millis = -1;
    if (!option(env, object, name, millis)) return false;
    if (millis >= 0) out = to_duration(millis);
    return true;
  };
  if (!read("target", options.target) || !read("interval", options.interval) || !read("maxDelay", options.max_delay) ||
      !option(env, object, "priorities", priorities) || !option(env, object, "fair", fair)) {
    return nullptr;
  }
  options.priorities = priorities >= 0 && priorities < 1000 ? static_cast<unsigned>(priorities) : 0;
  options.fair = fair != 0;
  const std::vector<std::string> faults = options.validate();
  if (!faults.empty()) {
    throw_range_error(env, "quoll: " + faults.front());
    return nullptr;
  }
  EnvState* state = state_of(arguments);
  const std::int64_t id = state->next_admission++;
  state->admissions.emplace(id, std::make_unique<core::AdmissionControl>(options));
  return make(env, static_cast<double>(id));
}

// ageOf(fd) -> ms since the socket's last bytes arrived; -1 if the kernel cannot say.
napi_value age_of(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t fd = 0;
  if (!arguments.integer(0, "fd", -1, std::numeric_limits<std::int32_t>::max(), fd)) return nullptr;
  const std::optional<Duration> age = quiet_for(static_cast<int>(fd));
  return make(env, age ? to_millis(*age) : -1.0);
}

// decide(admission, age, priority, client) -> 0 admitted, 1 overload, 2 too old. slots[kLocal]: the share admitted.
napi_value decide(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  core::AdmissionControl* admission = admission_of(arguments);
  double age = 0;
  std::int64_t priority = 0;
  std::int64_t client = 0;
  if (admission == nullptr || !arguments.number(1, "age", age) || !arguments.integer(2, "priority", 0, 255, priority) ||
      !arguments.integer(3, "client", 0, std::numeric_limits<std::uint32_t>::max(), client)) {
    return nullptr;
  }
  EnvState* state = state_of(arguments);
  const TimePoint now = state->now();
  const core::AdmissionDecision decision = admission->decide({.arrived_at = now - to_duration(age),
                                                              .priority = static_cast<unsigned>(priority),
                                                              .client = static_cast<std::uint64_t>(client)},
                                                             now);
  state->pages->count_shed(decision.reason);
  return make_int(env, static_cast<std::int32_t>(decision.reason));
}

// admissionReport(admission) -> core's snapshot.
napi_value admission_report(napi_env env, napi_callback_info info) {
  const core::AdmissionControl* admission = admission_of(Arguments(env, info));
  if (admission == nullptr) return nullptr;
  const core::AdmissionControl::Snapshot snapshot = admission->snapshot();
  napi_value value = nullptr;
  napi_create_object(env, &value);
  put(env, value, "share", snapshot.share);
  put(env, value, "overloaded", make_bool(env, snapshot.overloaded));
  put(env, value, "leastDelay", to_millis(snapshot.least_delay));
  put(env, value, "decided", static_cast<double>(snapshot.decided));
  put(env, value, "overload", static_cast<double>(snapshot.overload));
  put(env, value, "tooOld", static_cast<double>(snapshot.too_old));
  return value;
}

}  // namespace

void define_admission_functions(napi_env env, napi_value exports, EnvState* state) {
  const Function functions[] = {{"createAdmission", create_admission},
                                {"ageOf", age_of},
                                {"decide", decide},
                                {"admissionReport", admission_report}};
  define(env, exports, state, functions);
}

}  // namespace quoll::node
