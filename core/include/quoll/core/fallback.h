// Fallback: what to answer when the call did not: a value, a function, a stale answer, another upstream.
//
// Sources are asked in the order in which they were added, until one has an answer; a plain value always has. Each has
// a name, so that the answer, the metric and the log can say where it came from: an answer that is silently not the
// real one is a bug waiting to be found by a customer.
//
//   Fallback<Page> fallback;
//   fallback.add("mirror", [&](const CallError&) { return fetch(mirror); })  // std::optional<Page>
//           .add_value("sorry", Page{"back in a minute"});
//
// A source that throws a std::exception has no answer, and the next one is asked. For calls that return nothing there
// is Fallback<void>, whose sources do something instead.
//
// Thread-compatible while sources are added, then thread-safe if the functions are. Adding allocates, answering does
// what the functions do.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
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
  // Nothing when no source has one; then `thrown`, if given, is what the last one that threw has thrown.
  std::optional<Answer> answer(const CallError& error, std::exception_ptr* thrown = nullptr) const {
    for (const Named& each : sources_) {
      try {
        if (std::optional<T> value = each.source(error)) return Answer{std::move(*value), &each.name};
      } catch (const std::exception&) {
        if (thrown != nullptr) *thrown = std::current_exception();
      }
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

// For calls that return nothing: what to do instead. A source returns whether it has done it, or nothing if it always
// has.
template <>
class Fallback<void> : public Fallback<std::monostate> {
 public:
  template <typename Does>
  Fallback& add(std::string name, Does does) {
    Fallback<std::monostate>::add(std::move(name), [does = std::move(does)](const CallError& error) {
      if constexpr (std::is_void_v<decltype(does(error))>) {
        does(error);
        return std::optional<std::monostate>(std::in_place);
      } else {
        return does(error) ? std::optional<std::monostate>(std::in_place) : std::nullopt;
      }
    });
    return *this;
  }
};

}  // namespace quoll::core
