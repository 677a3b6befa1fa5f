#include "quoll/lab/harness/record_json.h"

#include <boost/json.hpp>

namespace quoll::lab::harness {

namespace json = boost::json;

json::object to_object(const Environment& e) {
  return {{"version", e.version}, {"compiler", e.compiler},         {"kernel", e.kernel},        {"cpu", e.cpu},
          {"cores", e.cores},     {"memory_bytes", e.memory_bytes}, {"started_at", e.started_at}};
}

json::array to_array(const std::vector<Claim>& claims) {
  json::array out;
  for (const Claim& claim : claims) out.push_back({{"pass", claim.pass}, {"text", claim.text}});
  return out;
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.push_back(json::string(text));
  return out;
}

json::value optional_millis(const std::optional<Duration>& time) {
  return time ? json::value(rounded_millis(*time)) : json::value(nullptr);
}

}  // namespace quoll::lab::harness
