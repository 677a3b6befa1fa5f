#include "quoll/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace quoll::internal {

void assert_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "quoll: internal error: assertion '%s' failed at %s:%d; please report this\n", expression, file,
               line);
  std::abort();
}

void options_refused(const char* faults) {
  std::fprintf(stderr,
               "quoll: bad options for %s\n"
               "quoll: these are the program's own; validate() of the options, or create(), reports them as a value\n",
               faults);
  std::abort();
}

void no_value(const char* error) {
  std::fprintf(stderr, "quoll: the program took the value of a result that is an error: %s\n", error);
  std::abort();
}

}  // namespace quoll::internal
