#include "quoll/proxy/config/policy_options.h"

namespace quoll::proxy {

std::vector<std::string> CallPolicyOptions::validate() const {
  std::vector<std::string> out;
  const auto take = [&out](const char* section, std::vector<std::string> faults) {
    for (std::string& fault : faults) out.push_back(std::string(section) + ": " + std::move(fault));
  };
  take("adaptive_timeout", adaptive_timeout.validate());
  take("concurrency_limit", concurrency_limit.validate());
  take("retry", retry.validate());
  take("retry_budget", retry_budget.validate());
  if (retries > 10) out.push_back("retries: " + std::to_string(retries) + " is out of range; it may be 0 to 10");
  if (priority > 7) out.push_back("priority: " + std::to_string(priority) + " is out of range; it may be 0 to 7");
  return out;
}

const char* to_string(TimeoutKind kind) {
  return kind == TimeoutKind::fixed ? "fixed" : "adaptive";
}

}  // namespace quoll::proxy
