#include "quoll/core/options.h"

namespace quoll::core::internal {

std::string all_faults(std::string_view policy, const std::vector<std::string>& faults) {
  std::string text(policy);
  for (std::size_t i = 0; i < faults.size(); ++i) text += (i == 0 ? ": " : "; ") + faults[i];
  return text;
}

}  // namespace quoll::core::internal
