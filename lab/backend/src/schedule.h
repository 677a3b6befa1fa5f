// Schedule: which behaviour is in force at a given time: a change made for a while, else the script's step on top of
// the base, else the base.
//
// Time is an argument. Thread-compatible.
#pragma once

#include <optional>
#include <string>

#include "quoll/lab/backend/behaviour.h"
#include "quoll/lab/backend/script.h"
#include "quoll/telemetry/json.h"

namespace quoll::lab::backend {

class Schedule {
 public:
  // The script's clock starts at `start`.
  Schedule(const Behaviour& base, std::optional<Script> script, TimePoint start)
      : base_(base), script_(std::move(script)), start_(start) {}

  // With `lasting`: takes its place on top of everything else until it is over. Without: alters the base; a mode among
  // the settings ends the script, and a change that was made for a while.
  void apply(const Change& change, TimePoint now);

  Behaviour at(TimePoint now) const;
  // When `at` may next give something else on its own.
  std::optional<TimePoint> next_change(TimePoint now) const;
  // For people: "script: 20s fail 503", "control, for 10s", "settings".
  std::string reason(TimePoint now) const;
  // Members of a JSON object: "script" (null, or step, line and loop) and "for_ms" (null, or what is left).
  void put_members(telemetry::JsonWriter& out, TimePoint now) const;

 private:
  std::optional<Script::Position> position(TimePoint now) const;
  bool overridden(TimePoint now) const { return override_ && now < override_until_; }

  Behaviour base_;
  std::optional<Script> script_;
  TimePoint start_;
  std::optional<Change> override_;
  TimePoint override_until_{};
};

}  // namespace quoll::lab::backend
