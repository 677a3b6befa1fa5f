// A pipeline around calls that return a std::future, and a call of its own in the background.
//
// Prints:
//   fast: answer to fast
//   slow: no answer: ended in timeout after 1 attempt
//   broken: no answer: ended in failure after 1 attempt: connection reset
//   in the background: answer to fast
#include <chrono>
#include <cstdio>
#include <future>
#include <list>
#include <stdexcept>
#include <string>

#include "quoll/core/blocking.h"

using namespace quoll;
using namespace std::chrono_literals;

// Stands for any client whose calls return a future at once.
class Client {
 public:
  std::future<std::string> ask(const std::string& what) {
    std::promise<std::string>& promise = promises_.emplace_back();
    if (what == "fast") promise.set_value("answer to " + what);
    if (what == "broken") promise.set_exception(std::make_exception_ptr(std::runtime_error("connection reset")));
    return promise.get_future();  // "slow" is never answered
  }

 private:
  std::list<std::promise<std::string>> promises_;
};

int main() {
  Client client;
  core::Breaker breaker = core::Breaker::create({}, random_seed()).value();
  const core::Pipeline pipeline{.breaker = &breaker, .fixed_timeout = 50ms};

  for (const std::string what : {"fast", "slow", "broken"}) {
    const auto called = core::run<std::string>(pipeline, {}, [&] { return client.ask(what); });
    if (called) {
      std::printf("%s: %s\n", what.c_str(), called.value->c_str());
      continue;
    }
    std::printf("%s: no answer: %s\n", what.c_str(), explain(called.error).c_str());
  }

  // The caller has other things to do: the pipeline itself waits on a thread of its own.
  std::future<core::Called<std::string>> later = std::async(
      std::launch::async, [&] { return core::run<std::string>(pipeline, {}, [&] { return client.ask("fast"); }); });
  std::printf("in the background: %s\n", later.get().value->c_str());
}
