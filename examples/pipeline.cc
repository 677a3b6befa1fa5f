// Breaker, adaptive timeout, retry with a budget, and a fallback around a call: between the two lines, ten lines of
// code.
//
// Prints:
//   page 1
//   page 2, on the third attempt
//   back in a minute (sorry: ended in failure after 1 attempt)
//   back in a minute (sorry: refused by the breaker after 0 attempts)
//   retry: 3 attempts, back-off 25ms..1s, budget 20 %
//   breaker: pages, 50 % of 5 or more in 10s, open
//   timeout: adaptive, p99 * 1.7 + 5ms, 10ms..5s, now 500ms
#include <cstdio>
#include <optional>
#include <string>

#include "quoll/core/blocking.h"

using namespace quoll;

// Stands for a call that blocks for `limit` at most, and has no value if it fails: here, two of three times, and then
// always.
std::optional<std::string> fetch(Duration limit) {
  static int calls = 0;
  (void)limit;
  switch (++calls) {
    case 1:
      return "page 1";
    case 4:
      return "page 2, on the third attempt";
    default:
      return std::nullopt;
  }
}

int main() {
  // ----------------------------------------------------------------------------------------------------------------
  core::Breaker breaker = core::Breaker::create({}, random_seed(), "pages").value();
  core::AdaptiveTimeout timeout({});
  core::RetryBudget budget({});
  core::RetryPolicy retry({}, &budget, random_seed());
  const core::Pipeline pipeline{.retry = &retry, .breaker = &breaker, .timeout = &timeout};
  core::Fallback<std::string> fallback;
  fallback.add_value("sorry", "back in a minute");

  const auto get_page = [&] { return core::run(pipeline, {}, fallback, fetch); };
  // ----------------------------------------------------------------------------------------------------------------

  for (int i = 0; i < 4; ++i) {
    const core::Called<std::string> page = get_page();
    std::printf("%s", page.value->c_str());
    if (page.source != nullptr) {  // not the real answer; where it came from, and why
      core::CallError why = page.error;
      why.retry_after = {};  // varies
      std::printf(" (%s: %s)", page.source->c_str(), explain(why).c_str());
    }
    std::printf("\n");
  }
  std::printf("%s", pipeline.describe().c_str());
}
