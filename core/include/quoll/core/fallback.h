// Fallback: what to answer when the call did not: a value, a function, a stale answer, another upstream.
//
// Sources are asked in the order in which they were added, until one has an answer; a plain value always has. Each has
// a name, so that the answer, the metric and the log can say where it came from: an answer that is silently not the
// real one is a bug waiting to be found by a customer.
//
//   Fallback<Page> fallback;
//   fallback.add("stale", stale_from(cache, key_of))  // TtlCache::find
//           .add("mirror", [&](const CallError&) { return fetch(mirror); })
//           .add_value("sorry", Page{"back in a minute"});
//
// Thread-compatible while sources are added, then thread-safe if the functions are. Adding allocates, answering does
// what the functions do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quoll/base/time.h"
#include "quoll/core/outcome.h"

namespace quoll::core {

// Who did not let a call through.
enum class RefusedBy : std::uint8_t { nobody, deadline, rate_limit, concurrency_limit, breaker, throttle };

// Why there is no answer.
struct CallError {
  // nobody: it was made, and `outcome` says how the last attempt ended.
  RefusedBy refused_by = RefusedBy::nobody;
  Outcome outcome = Outcome::ignored;
  unsigned attempts = 0;
  // When to come back, where that is known: of a refusal, of a callee that said so, or of a breaker that the last
  // attempt opened; else zero.
  Duration retry_after{};
  // What the call itself said of its failure: the text of its Result's error, of its error_code, or of what it threw.
  // Filled by run() and co_run(); empty where there is none.
  std::string message = {};
};

const char* to_string(RefusedBy who);
// "refused by the breaker after 1 attempt; retry after 4.2s".
std::string explain(const CallError& error);

template <typename T>
class Fallback {
 public:
  using Source = std::function<std::optional<T>(const CallError&)>;

  Fallback& add(std::string name, Source source) {
    sources_.push_back({std::move(name), std::move(source)});
    return *this;
  }
  Fallback& add_value(std::string name, T value) {
    return add(std::move(name), [value = std::move(value)](const CallError&) { return std::optional<T>(value); });
  }

  struct Answer {
    T value;
    const std::string* source;  // its name; lives as long as the fallback
  };
  // Nothing when no source has one.
  std::optional<Answer> answer(const CallError& error) const {
    for (const Named& each : sources_) {
      if (std::optional<T> value = each.source(error)) return Answer{std::move(*value), &each.name};
    }
    return std::nullopt;
  }
  // "stale, mirror, sorry".
  std::string describe() const {
    std::string text;
    for (const Named& each : sources_) text += (text.empty() ? "" : ", ") + each.name;
    return text;
  }

 private:
  struct Named {
    std::string name;
    Source source;
  };
  std::vector<Named> sources_;
};

}  // namespace quoll::core
