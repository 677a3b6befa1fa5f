#include "quoll/lab/pressure/run.h"

#include "quoll/telemetry/json.h"

namespace quoll::lab::pressure {

std::string to_json(const Event& event) {
  return telemetry::json_object([&](telemetry::JsonWriter& out) {
    out.member("event", event.name).member("at_ns", event.at.time_since_epoch().count());
    for (const Event::Field& field : event.fields) {
      out.key(field.name);
      if (const auto* number = std::get_if<double>(&field.value)) {
        out.fixed(*number, 3);
      } else if (const auto* count = std::get_if<std::int64_t>(&field.value)) {
        out.value(*count);
      } else {
        out.value(std::get<std::string>(field.value));
      }
    }
    if (!event.text.empty()) out.member("text", event.text);
  });
}

}  // namespace quoll::lab::pressure
