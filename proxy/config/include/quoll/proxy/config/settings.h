// Settings by their names, of the proxy and of a route: what the options' describe()s say (base/settings.h). Files,
// flags and pages know no other names.
//
// Thread-safe: free functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/setting.h"
#include "quoll/proxy/config/options.h"

namespace quoll::proxy {

// Sets one, also for the routes that have no such setting of their own. The error names the setting and what would be
// right; ranges are ProxyOptions::validate's. Codes: "unknown_setting", "setting".
Result<void> apply_setting(ProxyOptions& options, std::string_view name, std::string_view text);
// Sets a route's own. Only those of RouteOptions can be; code "proxy_setting" for one of the whole proxy.
Result<void> apply_route_setting(RouteOptions& route, std::string_view name, std::string_view text);

// The names of all settings, in the order of the documentation.
std::vector<std::string> setting_names();
bool is_setting(std::string_view name);
// Whether settings of this name and a dot exist: "breaker".
bool is_section(std::string_view name);

// A flag that is short for a setting: --workers 4 for --set workers=4.
struct Flag {
  const char* flag;
  const char* setting;
  bool percent = false;  // a number without a unit is one: --error-threshold 50
};
std::span<const Flag> flags();
// The setting behind it.
const schema::Setting& setting_of(const Flag& flag);

// The table of settings in docs/proxy.md, in Markdown.
std::string settings_table();

}  // namespace quoll::proxy
