#include "quoll/lab/pressure/run.h"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace quoll::lab::pressure {

std::string to_json(const Event& event) {
  std::string out = fmt::format(R"({{"event":"{}","at_ns":{})", event.name, event.at.time_since_epoch().count());
  for (const Event::Field& field : event.fields) {
    out += fmt::format(",\"{}\":", field.name);
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      out += boost::json::serialize(boost::json::string_view(*text));
    } else if (const auto* whole = std::get_if<std::int64_t>(&field.value)) {
      out += std::to_string(*whole);
    } else {
      out += fmt::format("{:.3f}", std::get<double>(field.value));
    }
  }
  if (!event.text.empty()) out += ",\"text\":" + boost::json::serialize(boost::json::string_view(event.text));
  return out + "}";
}

}  // namespace quoll::lab::pressure
