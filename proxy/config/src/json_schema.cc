#include "quoll/proxy/config/json_schema.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "quoll/base/settings.h"
#include "quoll/proxy/config/options.h"

namespace quoll::proxy {
namespace {

namespace json = boost::json;
using schema::Kind;
using schema::Setting;

json::object any_of(json::array choices) {
  if (choices.size() == 1) return choices[0].get_object();
  return {{"anyOf", std::move(choices)}};
}

json::object pattern(const char* text) {
  return {{"type", "string"}, {"pattern", text}};
}

json::object duration() {
  return pattern("^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)$");
}

// A number as whole as it is.
json::value exact(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? json::value(whole) : json::value(number);
}

json::object number(const Setting& setting, const char* type) {
  const schema::Range& range = *setting.range;
  return {{"type", type},
          {range.above_low ? "exclusiveMinimum" : "minimum", exact(range.low)},
          {"maximum", exact(range.high)}};
}

// What a form may be: "off|N|vegas".
json::object spelled(std::string_view form) {
  json::array words;
  json::array choices;
  while (!form.empty()) {
    const std::size_t end = std::min(form.find('|'), form.size());
    const std::string_view one = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    if (one == "DUR") {
      choices.push_back(duration());
    } else if (one == "N") {
      choices.push_back(json::object{{"type", "integer"}, {"minimum", 1}});
    } else if (one == "LIST") {
      choices.push_back(json::object{{"type", "string"}});
      choices.push_back(json::object{{"type", "array"}, {"items", {{"type", "string"}}}});
    } else if (one.starts_with('/')) {
      choices.push_back(pattern("^/"));
    } else if (one.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos) {
      choices.push_back(json::object{{"type", "string"}});
    } else {
      words.push_back(json::string(one));
      if (one == "on" || one == "off") words.push_back(one == "on");  // how YAML 1.1 reads them
    }
  }
  if (!words.empty()) choices.insert(choices.begin(), json::object{{"enum", std::move(words)}});
  return any_of(std::move(choices));
}

json::object type_of(const Setting& setting) {
  const bool zero = setting.range && setting.range->zero != nullptr && setting.range->low > 0;
  json::array choices;
  if (zero) choices.push_back(json::object{{"const", 0}});
  switch (setting.kind) {
    case Kind::duration:
    case Kind::duration_range:
      choices.push_back(duration());
      if (setting.range->low == 0 && !zero) choices.push_back(json::object{{"const", 0}});
      break;
    case Kind::count:
      choices.push_back(number(setting, "integer"));
      break;
    case Kind::bytes:
      choices.push_back(number(setting, "integer"));
      choices.push_back(pattern("^[0-9]+(KiB|MiB|GiB)$"));
      break;
    case Kind::share:
      choices.push_back(number(setting, "number"));
      choices.push_back(pattern("^[0-9]+(\\.[0-9]+)?%$"));
      break;
    case Kind::number:
      choices.push_back(number(setting, "number"));
      break;
    case Kind::flag:
      return {{"enum", {true, false, "on", "off"}}};
    case Kind::word:
    case Kind::text:
      return spelled(setting.form);
  }
  return any_of(std::move(choices));
}

json::value standard_of(const Setting& setting) {
  if (const auto* const flag = std::get_if<bool>(&setting.standard)) return *flag;
  if (const auto* const number = std::get_if<double>(&setting.standard)) return exact(*number);
  if (const auto* const count = std::get_if<std::uint64_t>(&setting.standard)) return *count;
  if (std::get_if<std::string>(&setting.standard) == nullptr) return nullptr;
  return json::string(std::get<std::string>(setting.standard));
}

json::object property(const Setting& setting) {
  json::object out = type_of(setting);
  out["description"] = setting.range ? setting.about + " " + setting.allowed() + "." : setting.about;
  if (const json::value standard = standard_of(setting); !standard.is_null()) out["default"] = standard;
  return out;
}

json::object closed(json::object properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

// The properties of `Options`. What the proxy has too is said once, there.
template <typename Options>
json::object properties_of(bool refer) {
  json::object out;
  const auto& settings = schema::settings_of<Options>();
  for (const Setting& each : settings.list()) {
    if (!each.section().empty()) continue;
    if (refer && schema::settings_of<ProxyOptions>().find(each.name) != nullptr) {
      out[each.name] = json::object{{"$ref", "#/properties/" + each.name}};
    } else {
      out[each.name] = property(each);
    }
  }
  for (const schema::SectionOf& section : settings.sections()) {
    if (refer) {
      out[section.name] = json::object{{"$ref", "#/properties/" + section.name}};
      continue;
    }
    json::object inner;
    for (const Setting& each : settings.list()) {
      if (each.section() == section.name) inner[each.name.substr(section.name.size() + 1)] = property(each);
    }
    json::object& made = out[section.name].emplace_object();
    made = closed(std::move(inner));
    made["description"] = section.about;
  }
  return out;
}

}  // namespace

json::object json_schema() {
  json::object route = closed(properties_of<RouteOptions>(true));
  route["required"] = json::array{"name"};
  for (const char* const which : {"name", "path"}) {
    route["properties"].get_object()[which].get_object().erase("default");  // of the route that takes all others
  }
  json::object properties = properties_of<ProxyOptions>(false);
  properties["routes"] = {{"type", "array"},
                          {"description", "Routes, each with a circuit of its own and what it has not of the proxy."},
                          {"maxItems", ProxyOptions::kMaxRoutes},
                          {"items", std::move(route)}};
  json::object out = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                      {"title", "Quoll's configuration"},
                      {"description", "Made by quoll check --schema of the options' headers."}};
  for (const json::key_value_pair& each : closed(std::move(properties))) out[each.key()] = each.value();
  return out;
}

}  // namespace quoll::proxy
