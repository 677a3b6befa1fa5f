// A user of quoll::core: the breaker opens, and says why.
#include <chrono>
#include <cstdio>

#include "quoll/base/assert.h"
#include "quoll/core/breaker.h"

int main() {
  using namespace quoll::core;
  auto breaker = Breaker::create({}, 1, "orders");
  QUOLL_ASSERT(breaker.has_value());
  const quoll::TimePoint now{std::chrono::hours(1)};
  for (int i = 0; i < 10; ++i) {
    Admission admission = breaker->try_acquire(now);
    if (!admission) {
      std::printf("refused: %s\n", to_string(admission.rejection.reason));
      return 0;
    }
    const Sample sample{.outcome = Outcome::failure};
    if (const auto transition = breaker->record(std::move(*admission.permit), sample, now)) {
      std::printf("%s\n", explain(*transition).c_str());
    }
  }
  return 1;
}
