// Settings: the options of a struct by their names, as files, flags, JSON, tables and suggestions have them.
//
//   const auto& settings = schema::settings_of<sim::Config>();
//   settings.apply(config, "breaker.reset_timeout", "10s");      // Result<void>: the fault names the setting
//   settings.find("breaker.reset_timeout")->show(config)         // Value: "10s"
//
// The list is made once of the struct's describe(), see schema.h. A name has its section's before it, with a dot.
// What was applied counts as set (core/defaulted.h), also when it is the default's value.
//
// Thread-safe: constants. Allocates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/setting.h"
#include "quoll/base/setting_builder.h"

namespace quoll::schema {

template <typename Root>
class Settings {
 public:
  const std::vector<Setting>& list() const { return list_; }
  const std::vector<SectionOf>& sections() const { return sections_; }
  const Setting* find(std::string_view name) const { return find_setting(list_, name); }
  Value show(const Root& root, const Setting& setting) const { return setting.show_at(&root); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const Setting& each : list_) out.push_back(each.name);
    return out;
  }
  // Errors: "unknown_setting", with a suggestion; "setting", "NAME: 'x' is not a number". The range is validate()'s.
  Result<void> apply(Root& root, std::string_view name, std::string_view text) const {
    const Setting* const setting = find(name);
    if (setting == nullptr) {
      return Error{std::string(name) + ": there is no such setting" + suggestion(name, names()), "unknown_setting"};
    }
    if (const Fault fault = setting->read_at(&root, text)) return Error{setting->name + ": " + *fault, "setting"};
    return {};
  }

 private:
  template <typename Any>
  friend const Settings<Any>& settings_of();
  Settings();
  std::vector<Setting> list_;
  std::vector<SectionOf> sections_;
};

template <typename Root>
const Settings<Root>& settings_of() {
  static const Settings<Root> kSettings;
  return kSettings;
}

template <typename Root>
Settings<Root>::Settings() {
  Root::describe(internal::Builder<Root>({list_, sections_}, "", [](const void* root) { return root; }));
  const Root standard{};
  for (Setting& each : list_) each.standard = each.show_at(&standard);
}

// Moves the defaults in all sections (resolved(), core/defaulted.h): to what the policies will go by.
template <typename Options>
void resolve_sections(Options& options) {
  Options::describe(internal::Resolver<Options>{options});
}

}  // namespace quoll::schema
