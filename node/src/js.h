// Values from JavaScript and back, each checked: a wrong type is a TypeError that names the argument, never a crash.
//
// A reader returns false once it has thrown; its caller then returns nullptr to JavaScript at once. Times cross as
// milliseconds in doubles, as performance.now() counts them.
//
// Loop-confined: each function runs on the thread of the napi_env it is given.
#pragma once

#include <node_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "quoll/base/time.h"

namespace quoll::node {

// Milliseconds of performance.now() to Quoll's time. Its start is moved two days up: a circuit whose state is imported
// may have opened before the process began, and no window reaches below 0.
TimePoint to_time(double millis);
double to_js_time(TimePoint time);
// Clamped to [0, 10 years]; not a number is 0.
Duration to_duration(double millis);

// The arguments of one call, at most six.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info);

  bool number(std::size_t index, const char* name, double& out) const;
  // An integer in [low, high].
  bool integer(std::size_t index, const char* name, std::int64_t low, std::int64_t high, std::int64_t& out) const;
  bool text(std::size_t index, const char* name, std::string& out) const;
  bool object(std::size_t index, const char* name, napi_value& out) const;
  bool function(std::size_t index, const char* name, napi_value& out) const;

  napi_env env() const { return env_; }
  void* data() const { return data_; }

 private:
  static constexpr std::size_t kMost = 6;
  bool wrong(const char* name, const char* wanted) const;

  napi_env env_;
  std::size_t count_ = kMost;
  std::array<napi_value, kMost> values_{};
  void* data_ = nullptr;
};

void throw_type_error(napi_env env, const std::string& message);
void throw_range_error(napi_env env, const std::string& message);

napi_value make(napi_env env, double number);
napi_value make(napi_env env, const std::string& text);
napi_value make_int(napi_env env, std::int32_t number);
napi_value make_bool(napi_env env, bool yes);
void put(napi_env env, napi_value object, const char* name, napi_value value);
void put(napi_env env, napi_value object, const char* name, double number);
void put(napi_env env, napi_value object, const char* name, const std::string& text);

// An optional number of an options object; absent (undefined) leaves `out` alone.
bool option(napi_env env, napi_value object, const char* name, double& out);
bool option(napi_env env, napi_value object, const char* name, std::string& out);

}  // namespace quoll::node
