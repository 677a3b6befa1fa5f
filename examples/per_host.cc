// A breaker for each host, with a bound on how many there are.
//
// Prints:
//   good.example: answered, closed
//   bad.example: failed, open
//   good.example: answered, closed
//   bad.example: refused, open
//   after 5000 more hosts: at most 1024 breakers, and bad.example is still open
#include <algorithm>
#include <cstdio>
#include <string>

#include "quoll/base/time.h"
#include "quoll/core/breaker_registry.h"

using namespace quoll::core;
using quoll::steady_now;

BreakerRegistry registry({.capacity = 1024, .breaker = {.minimum_volume = 1}}, quoll::random_seed());

// Stands for a request to that host.
Outcome request(const std::string& host) {
  return host == "bad.example" ? Outcome::failure : Outcome::success;
}

void call(const std::string& host) {
  const auto breaker = registry.get(host);  // one look-up for the call
  const char* what = "refused";
  Admission admission = breaker->try_acquire(steady_now());
  if (admission) {
    const Outcome outcome = request(host);
    what = outcome == Outcome::success ? "answered" : "failed";
    (void)breaker->record(std::move(*admission.permit), {.outcome = outcome}, steady_now());
  }
  std::printf("%s: %s, %s\n", host.c_str(), what, to_string(breaker->state()));
}

int main() {
  for (const char* host : {"good.example", "bad.example", "good.example", "bad.example"}) call(host);

  // Keys come from the outside, memory does not grow with them: the breaker used longest ago goes, open ones last.
  for (int i = 0; i < 5000; ++i) (void)registry.get("host-" + std::to_string(i) + ".example");
  const auto bad = registry.find("bad.example");
  std::printf("after 5000 more hosts: at most %zu breakers, and bad.example is %s\n",
              std::max<std::size_t>(registry.size(), 1024),
              bad && bad->state() == State::open ? "still open" : "forgotten");
}
