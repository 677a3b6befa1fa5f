#include "quoll/core/outcome.h"

namespace quoll::core {

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return "success";
    case Outcome::failure:
      return "failure";
    case Outcome::timeout:
      return "timeout";
    case Outcome::cancelled:
      return "cancelled";
    case Outcome::ignored:
      return "ignored";
  }
  return "unknown";
}

}  // namespace quoll::core
