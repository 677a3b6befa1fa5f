// The common parts of the kinds of pressure: events, the length of a run, errors.
//
// Each kind is one blocking function in a header of its own: loop.h, cpu.h, quota.h, pause.h. It returns when its
// duration is over or a stop was requested, and has then undone its changes to other processes.
//
// Errors: "bad_options" (every fault, one a line), "not_permitted" (the machine does not let us; nothing was changed),
// "no_process", "system".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/stop_signal.h"
#include "quoll/base/time.h"

namespace quoll::lab::pressure {

// Something that happened. A plain value.
struct Event {
  using Value = std::variant<std::int64_t, double, std::string>;
  struct Field {
    std::string_view name;  // static
    Value value;
  };

  std::string_view name;  // static, snake_case: "block", "stop", "continue", ...
  TimePoint at;           // CLOCK_MONOTONIC
  std::vector<Field> fields = {};
  std::string text = {};  // for people
};

// {"event":"block","at_ns":..,fields...}, without a newline.
std::string to_json(const Event& event);

// Called on the run's thread. May be empty.
using Sink = std::function<void(const Event&)>;

// How long a run goes on; nothing: until it is stopped. Range 1 ms to 24 h.
using RunLength = std::optional<Duration>;

}  // namespace quoll::lab::pressure
