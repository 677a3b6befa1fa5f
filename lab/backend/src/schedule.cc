#include "schedule.h"

#include <fmt/format.h>

#include <algorithm>

namespace quoll::lab::backend {

void Schedule::apply(const Change& change, TimePoint now) {
  if (change.lasting) {
    override_ = change;
    override_until_ = now + *change.lasting;
    return;
  }
  base_ = change.applied_to(base_);
  if (change.mode) {
    script_.reset();
    override_.reset();
  }
}

std::optional<Script::Position> Schedule::position(TimePoint now) const {
  return script_ ? script_->at(now - start_) : std::nullopt;
}

Behaviour Schedule::at(TimePoint now) const {
  Behaviour behaviour = base_;
  if (const auto here = position(now)) behaviour = script_->steps[here->step].change.applied_to(behaviour);
  if (overridden(now)) behaviour = override_->applied_to(behaviour);
  return behaviour;
}

std::optional<TimePoint> Schedule::next_change(TimePoint now) const {
  std::optional<TimePoint> next;
  if (const auto here = position(now)) next = start_ + here->ends;
  if (overridden(now)) next = next ? std::min(*next, override_until_) : override_until_;
  return next;
}

std::string Schedule::reason(TimePoint now) const {
  if (overridden(now)) return "control, for " + format_duration(*override_->lasting);
  if (const auto here = position(now)) return "script: " + script_->steps[here->step].text;
  return "settings";
}

void Schedule::put_members(telemetry::JsonWriter& out, TimePoint now) const {
  out.key("script");
  if (const auto here = position(now)) {
    out.begin_object().member("step", here->step + 1).member("line", script_->steps[here->step].text);
    out.member("loop", script_->loop).end_object();
  } else {
    out.null();
  }
  out.key("for_ms");
  if (overridden(now)) {
    out.fixed(to_millis(override_until_ - now), 0);
  } else {
    out.null();
  }
}

}  // namespace quoll::lab::backend
