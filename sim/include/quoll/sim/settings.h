// Settings: every option of a Config as text, `breaker.window=5s`, for `--set`.
//
// They are those that Config's describe() names (base/settings.h). A key is `group.option`; groups are the parts of the
// model and the policies. Who takes settings says which groups it has a use for, and all others are errors: a setting
// without effect is a misunderstanding.
//
// Thread-safe: the list is constant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/setting.h"
#include "quoll/sim/config.h"

namespace quoll::sim {

using Key = schema::Setting;

// The keys of these groups, in the order of the model.
std::vector<Key> keys_of(const std::vector<std::string>& groups);

std::string shown(const Config& config, const Key& key);

// Applies "key=value". Errors: "usage"; an unknown key's message lists what exists in `groups`, and the nearest of it.
// The range is checked by Config::validate().
Result<void> apply(Config& config, std::string_view setting, const std::vector<std::string>& groups);

}  // namespace quoll::sim
