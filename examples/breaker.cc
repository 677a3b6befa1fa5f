// A circuit breaker around a blocking call.
//
// Prints:
//   call 1 failed
//   call 2 failed
//   call 3 failed
//   call 4 failed
//   call 5 failed
//   opened: 5 of 5 calls failed (100.0 %, limit 50 %) in the last 10s; open for 50ms
//   call 6 refused: open
//   call 7 refused: open
//   half-opened: the time open is over; trial calls are let through
//   call 8 succeeded: page
//   closed: 1 trial call succeeded
//   call 9 succeeded: page
#include "quoll/core/breaker.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "quoll/base/rng.h"

using namespace quoll::core;
using quoll::steady_now;
using namespace std::chrono_literals;

// Stands for any call that blocks. The callee is down for the first five.
std::optional<std::string> fetch(int call) {
  if (call <= 5) return std::nullopt;
  return "page";
}

int main() {
  auto created = Breaker::create({.reset_timeout = 50ms}, quoll::random_seed(), "pages");
  if (!created) {  // names every faulty option
    std::fprintf(stderr, "%s\n", created.error().message.c_str());
    return 2;
  }
  Breaker& breaker = *created;

  for (int call = 1; call <= 9; ++call) {
    if (call == 8) std::this_thread::sleep_for(60ms);  // a while later

    Admission admission = breaker.try_acquire(steady_now());
    if (admission.transition) std::printf("%s\n", explain(*admission.transition).c_str());
    if (!admission) {
      std::printf("call %d refused: %s\n", call, to_string(admission.rejection.reason));
      continue;
    }

    const auto sent = steady_now();
    const auto page = fetch(call);
    std::printf("call %d %s\n", call, page ? ("succeeded: " + *page).c_str() : "failed");

    const Sample sample{.outcome = page ? Outcome::success : Outcome::failure, .upstream = steady_now() - sent};
    if (auto transition = breaker.record(std::move(*admission.permit), sample, steady_now())) {
      std::printf("%s\n", explain(*transition).c_str());
    }
  }
}
