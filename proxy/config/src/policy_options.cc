#include "quoll/proxy/config/policy_options.h"

#include "quoll/base/faults.h"

namespace quoll::proxy {

std::vector<std::string> CallPolicyOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

const char* to_string(TimeoutKind kind) {
  return kind == TimeoutKind::fixed ? "fixed" : "adaptive";
}

}  // namespace quoll::proxy
