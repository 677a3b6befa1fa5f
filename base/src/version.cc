#include "quoll/base/version.h"

namespace quoll {

const char* version() {
  return QUOLL_VERSION;
}

}  // namespace quoll
