#include "js.h"

#include <algorithm>
#include <cmath>

namespace quoll::node {

namespace {

constexpr Duration kStart = std::chrono::hours(48);
constexpr double kLongest = 10.0 * 365 * 24 * 3600 * 1000;

}  // namespace

TimePoint to_time(double millis) {
  if (millis < 0) return TimePoint(kStart - std::min(kStart, to_duration(-millis)));
  return TimePoint(kStart + to_duration(millis));
}

double to_js_time(TimePoint time) {
  return to_millis(time.time_since_epoch() - kStart);
}

Duration to_duration(double millis) {
  if (std::isnan(millis)) return Duration::zero();
  return Duration(static_cast<Duration::rep>(std::clamp(millis, 0.0, kLongest) * 1e6));
}

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  if (napi_get_cb_info(env, info, &count_, values_.data(), nullptr, &data_) != napi_ok) count_ = 0;
}

bool Arguments::wrong(const char* name, const char* wanted) const {
  throw_type_error(env_, std::string("quoll: ") + name + " must be " + wanted);
  return false;
}

bool Arguments::number(std::size_t index, const char* name, double& out) const {
  if (index < count_ && napi_get_value_double(env_, values_[index], &out) == napi_ok && !std::isnan(out)) return true;
  return wrong(name, "a number");
}

bool Arguments::integer(std::size_t index, const char* name, std::int64_t low, std::int64_t high,
                        std::int64_t& out) const {
  double value = 0;
  if (index >= count_ || napi_get_value_double(env_, values_[index], &value) != napi_ok || !(std::abs(value) < 9e15) ||
      static_cast<double>(static_cast<std::int64_t>(value)) != value) {
    return wrong(name, "an integer");
  }
  if (value < static_cast<double>(low) || value > static_cast<double>(high)) {
    throw_range_error(
        env_, std::string("quoll: ") + name + " must be from " + std::to_string(low) + " to " + std::to_string(high));
    return false;
  }
  out = static_cast<std::int64_t>(value);
  return true;
}

bool Arguments::text(std::size_t index, const char* name, std::string& out) const {
  std::size_t length = 0;
  if (index >= count_ || napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length) != napi_ok) {
    return wrong(name, "a string");
  }
  out.resize(length);
  return napi_get_value_string_utf8(env_, values_[index], out.data(), length + 1, &length) == napi_ok ||
         wrong(name, "a string");
}

bool Arguments::object(std::size_t index, const char* name, napi_value& out) const {
  napi_valuetype type = napi_undefined;
  if (index >= count_ || napi_typeof(env_, values_[index], &type) != napi_ok || type != napi_object) {
    return wrong(name, "an object");
  }
  out = values_[index];
  return true;
}

bool Arguments::function(std::size_t index, const char* name, napi_value& out) const {
  napi_valuetype type = napi_undefined;
  if (index >= count_ || napi_typeof(env_, values_[index], &type) != napi_ok || type != napi_function) {
    return wrong(name, "a function");
  }
  out = values_[index];
  return true;
}

void throw_type_error(napi_env env, const std::string& message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message.c_str());
}

void throw_range_error(napi_env env, const std::string& message) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message.c_str());
}

napi_value make(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

napi_value make(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value make_int(napi_env env, std::int32_t number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

napi_value make_bool(napi_env env, bool yes) {
  napi_value value = nullptr;
  napi_get_boolean(env, yes, &value);
  return value;
}

void put(napi_env env, napi_value object, const char* name, napi_value value) {
  if (value != nullptr) napi_set_named_property(env, object, name, value);
}

void put(napi_env env, napi_value object, const char* name, double number) {
  put(env, object, name, make(env, number));
}

void put(napi_env env, napi_value object, const char* name, const std::string& text) {
  put(env, object, name, make(env, text));
}

namespace {

// True and a type if the property is there.
bool present(napi_env env, napi_value object, const char* name, napi_value& value) {
  napi_valuetype type = napi_undefined;
  return napi_get_named_property(env, object, name, &value) == napi_ok && napi_typeof(env, value, &type) == napi_ok &&
         type != napi_undefined && type != napi_null;
}

}  // namespace

bool option(napi_env env, napi_value object, const char* name, double& out) {
  napi_value value = nullptr;
  if (!present(env, object, name, value)) return true;
  double read = 0;
  if (napi_get_value_double(env, value, &read) != napi_ok || std::isnan(read)) {
    throw_type_error(env, std::string("quoll: options.") + name + " must be a number");
    return false;
  }
  out = read;
  return true;
}

bool option(napi_env env, napi_value object, const char* name, std::string& out) {
  napi_value value = nullptr;
  if (!present(env, object, name, value)) return true;
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    throw_type_error(env, std::string("quoll: options.") + name + " must be a string");
    return false;
  }
  out.resize(length);
  napi_get_value_string_utf8(env, value, out.data(), length + 1, &length);
  return true;
}

}  // namespace quoll::node
