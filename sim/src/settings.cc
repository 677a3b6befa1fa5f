#include "quoll/sim/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "quoll/base/settings.h"

namespace quoll::sim {

namespace {

std::string_view group_of(std::string_view name) {
  return name.substr(0, name.find('.'));
}

}  // namespace

std::vector<Key> keys_of(const std::vector<std::string>& groups) {
  std::vector<Key> found;
  for (const Key& key : schema::settings_of<Config>().list()) {
    if (std::find(groups.begin(), groups.end(), group_of(key.name)) != groups.end()) found.push_back(key);
  }
  return found;
}

std::string shown(const Config& config, const Key& key) {
  return schema::text_of(key.show_at(&config));
}

Result<void> apply(Config& config, std::string_view setting, const std::vector<std::string>& groups) {
  const auto equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{fmt::format("'{}': it must be key=value, such as client.rate=200", setting), "usage"};
  }
  const std::string_view name = setting.substr(0, equals);
  const auto& settings = schema::settings_of<Config>();
  const bool used = std::find(groups.begin(), groups.end(), group_of(name)) != groups.end();
  const bool known = settings.find(name) != nullptr;
  if (used && known) {
    const auto applied = settings.apply(config, name, setting.substr(equals + 1));
    return applied ? Result<void>() : Error{applied.error().message, "usage"};
  }
  std::vector<std::string> names;
  for (const Key& key : keys_of(groups)) names.push_back(key.name);
  return Error{fmt::format("{} '{}'; there are: {}{}", known ? "nothing here has a use for" : "no setting", name,
                           fmt::join(names, ", "), schema::suggestion(name, names)),
               "usage"};
}

}  // namespace quoll::sim
