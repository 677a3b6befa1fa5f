#include "quoll/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace quoll::internal {

void assert_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "quoll: internal error: assertion '%s' failed at %s:%d; please report this\n", expression, file,
               line);
  std::abort();
}

}  // namespace quoll::internal
