// Settings: every option of a Config as text, `breaker.window=5s`, for `--set`.
//
// A key is `group.option`; groups are the parts of the model and the policies. Who takes settings says which groups it
// has a use for, and all others are errors: a setting without effect is a misunderstanding.
//
// Thread-safe: the table is constant.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/sim/config.h"

namespace quoll::sim {

struct Key {
  std::string name;
  std::string about;
  std::function<std::string(const Config&)> get;
  // Errors: "usage", naming the key, the value and what would be right. The range is checked by Config::validate().
  std::function<Result<void>(Config&, std::string_view)> set;

  std::string_view group() const { return std::string_view(name).substr(0, name.find('.')); }
};

// All keys, by group, in the order of the model.
const std::vector<Key>& keys();
// Those of these groups.
std::vector<const Key*> keys_of(const std::vector<std::string>& groups);

// Applies "key=value". Errors: "usage"; an unknown key's message lists what exists in `groups`.
Result<void> apply(Config& config, std::string_view setting, const std::vector<std::string>& groups);

}  // namespace quoll::sim
