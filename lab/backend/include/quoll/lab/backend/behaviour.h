// Behaviour: how the unstable backend treats requests, and Plan: its treatment of one of them.
//
// The behaviour is a value that the command line sets first, a script changes by the clock (script.h) and POST /control
// changes at run time. `make_plan` decides about one request from the behaviour, the random numbers and how many
// requests are in progress; it does no I/O, so the same seed gives the same decisions.
//
// Thread-safe: plain values and free functions (an Rng belongs to one thread).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/base/result.h"
#include "quoll/base/rng.h"
#include "quoll/telemetry/json.h"

namespace quoll::lab::backend {

enum class Mode : std::uint8_t {
  answer,    // a share of `fail_rate` answers `status` at once; the others answer 200 after `delay`
  healthy,   // 200 after `delay`
  slow,      // 200 after `slow_factor` times `delay`
  fail,      // `status` at once
  hang,      // never answers; a request that hangs stays so until its client leaves, whatever mode comes next
  reset,     // resets the connection (RST) as soon as the request is there
  truncate,  // after `delay`, the head and half of the body, then closes
  drip,      // after `delay`, the head, then one byte of the body each `drip`
  garbage,   // after `delay`, bytes that are not HTTP, then closes
  refuse,    // no listener: connects are refused, and connections that were open are reset
};
inline constexpr std::array<Mode, 10> kModes = {Mode::answer, Mode::healthy,  Mode::slow, Mode::fail,    Mode::hang,
                                                Mode::reset,  Mode::truncate, Mode::drip, Mode::garbage, Mode::refuse};

std::string_view to_string(Mode mode);
// The error lists the modes there are.
Result<Mode> parse_mode(std::string_view text);

struct Behaviour {
  // Default answer.
  Mode mode = Mode::answer;
  // The share of requests that fail in mode answer. Default 0.3, range 0 to 1.
  double fail_rate = 0.3;
  // The status of a failure. Default 500, range 400 to 599.
  unsigned status = 500;
  // How long an answer takes, uniformly. Default 100 to 800 ms, up to 1 h.
  DurationRange delay{std::chrono::milliseconds(100), std::chrono::milliseconds(800)};
  // Added to the delay for each other request in progress: 10 callers at once wait 45 ms more, 50 wait 245 ms more.
  // Default 5 ms, range 0 (off) to 1 min.
  Duration degrade = std::chrono::milliseconds(5);
  // Default 3, range 1 to 1000.
  double slow_factor = 3;
  // Default 100 ms, range 1 us to 1 min.
  Duration drip = std::chrono::milliseconds(100);

  // Every fault; empty when valid.
  std::vector<std::string> validate() const;
  bool operator==(const Behaviour&) const = default;
};

// Any subset of a behaviour's settings.
struct Change {
  std::optional<Mode> mode = {};
  std::optional<double> fail_rate = {};
  std::optional<unsigned> status = {};
  std::optional<DurationRange> delay = {};
  std::optional<Duration> degrade = {};
  std::optional<double> slow_factor = {};
  std::optional<Duration> drip = {};
  // After so long the change is taken back. POST /control only. Range 1 ms to 1 h.
  std::optional<Duration> lasting = {};

  Behaviour applied_to(Behaviour behaviour) const;
};

// Reads what POST /control takes: one JSON object with any of mode, fail_rate, status, delay ("40ms..80ms"), degrade,
// slow_factor, drip and for ("10s"; the change is taken back after that). Strict: unknown and repeated keys, wrong
// types and values out of range are errors, and the message names all of them, one a line.
Result<Change> parse_change(std::string_view json);

// The settings as members of a JSON object that is being written: mode, fail_rate, status, ...
void put_members(telemetry::JsonWriter& out, const Behaviour& behaviour);

// What happens to one request.
struct Plan {
  enum class Action : std::uint8_t { answer, hang, reset, truncate, drip, garbage };
  Action action = Action::answer;
  unsigned status = 200;  // 0 when no valid answer will be given
  Duration delay{};       // from the arrival of the request's last byte to the first byte of the answer
};

// `others` is the number of other requests in progress. Mode refuse plans a reset: it is for requests that were already
// on their way.
Plan make_plan(const Behaviour& behaviour, std::size_t others, Rng& rng);

}  // namespace quoll::lab::backend
