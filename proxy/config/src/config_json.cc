#include "quoll/proxy/config/config_json.h"

#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>

#include "quoll/base/settings.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;

json::value json_of(const schema::Value& value) {
  if (const auto* const flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* const count = std::get_if<std::uint64_t>(&value)) return *count;
  if (const auto* const number = std::get_if<double>(&value)) return *number;
  if (const auto* const text = std::get_if<std::string>(&value)) return json::string(*text);
  return nullptr;
}

// A section is an object; none is within another.
template <typename Options>
json::object settings_json(const Options& options) {
  json::object out;
  const auto& settings = schema::settings_of<Options>();
  for (const schema::Setting& each : settings.list()) {
    json::object* to = &out;
    if (!each.section().empty()) {
      json::value& section = out[each.section()];
      to = section.is_object() ? &section.get_object() : &section.emplace_object();
    }
    (*to)[each.name.substr(each.name.rfind('.') + 1)] = json_of(each.show_at(&options));
  }
  return out;
}

template <typename Options>
void write_yaml(YAML::Emitter& out, const Options& options) {
  std::string_view open;
  for (const schema::Setting& each : schema::settings_of<Options>().list()) {
    if (each.section() != open) {
      if (!open.empty()) out << YAML::EndMap;
      open = each.section();
      if (!open.empty()) out << YAML::Key << std::string(open) << YAML::Value << YAML::BeginMap;
    }
    const std::string text = schema::text_of(each.show_at(&options));
    if (text.empty()) continue;  // not set, and no text can say so
    out << YAML::Key << each.name.substr(each.name.rfind('.') + 1) << YAML::Value << text;
  }
  if (!open.empty()) out << YAML::EndMap;
}

}  // namespace

json::object config_json(const ProxyOptions& options) {
  const ProxyOptions whole = options.resolved();
  json::object out = settings_json(whole);
  if (whole.routes.empty()) return out;
  json::array routes;
  for (const RouteOptions& route : whole.routes) routes.push_back(settings_json(route));
  out["routes"] = std::move(routes);
  return out;
}

json::object route_settings_json(const RouteSettings& options) {
  return settings_json(options);
}

std::string config_yaml(const ProxyOptions& options) {
  const ProxyOptions whole = options.resolved();
  YAML::Emitter out;
  out << YAML::BeginMap;
  write_yaml(out, whole);
  if (!whole.routes.empty()) {
    out << YAML::Key << "routes" << YAML::Value << YAML::BeginSeq;
    for (const RouteOptions& route : whole.routes) {
      out << YAML::BeginMap;
      write_yaml(out, route);
      out << YAML::EndMap;
    }
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace quoll::proxy
