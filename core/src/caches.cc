// The options of the two templates that keep calls from being made.
#include "quoll/core/coalescer.h"

#include "quoll/base/faults.h"
#include "quoll/core/ttl_cache.h"

namespace quoll::core {

std::vector<std::string> TtlCacheOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

std::vector<std::string> CoalescerOptions::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

}  // namespace quoll::core
