// Faults: collects what is wrong with a struct of options; each names the option, its value and what would be right.
//
//   Faults faults;
//   faults.check_fields(options);                                  // each alone, by its range: see schema.h
//   faults.check_order("cap", options.cap, "base", options.base);  // and against each other
//   return faults.take();                                          // "quantile is 2; it must be between 0.5 and
//   0.9999"
//
// Thread-compatible: lives for one validate().
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/base/schema.h"

namespace quoll {

class Faults {
 public:
  // `prefix` stands before each name: "routes[2].".
  explicit Faults(std::string prefix = {}) : prefix_(std::move(prefix)) {}

  // Those of all fields; a section with a validate() of its own is asked, so that its cross-checks count too.
  template <typename Options>
  void check_fields(const Options& options) {
    Options::describe(Visitor<Options>{*this, options});
  }
  // One that is no field of its own.
  void check(const char* name, Duration value, const schema::Range& range);
  void check(const char* name, const DurationRange& value, const schema::Range& range);
  void check(const char* name, double value, const schema::Range& range);
  void check(const char* name, std::uint64_t value, const schema::Range& range);
  void check(const char* name, unsigned value, const schema::Range& range) { check(name, std::uint64_t{value}, range); }
  // `value` must be at least that of another option.
  void check_order(const char* name, Duration value, const char* other, Duration least);
  void check_order(const char* name, unsigned value, const char* other, unsigned least);
  // "name is ...", "name: ...": the prefix goes before it.
  void add(const std::string& fault) { faults_.push_back(prefix_ + fault); }
  std::vector<std::string> take() { return std::move(faults_); }

 private:
  template <typename Options>
  struct Visitor {
    Faults& faults;
    const Options& options;

    template <typename Owner, typename T>
    void operator()(const char* name, T Owner::*member, const schema::Range& range, const char* /*about*/) const {
      const typename schema::Plain<T>::type& value = options.*member;
      faults.check(name, value, range);
    }
    template <typename Owner, typename Enum>
    void operator()(const char* name, Enum Owner::*member, schema::Words<Enum> words, const char* /*about*/) const {
      const auto number = static_cast<unsigned>(options.*member);
      if (number <= static_cast<unsigned>(words.last)) return;
      std::string known;
      for (unsigned i = 0; i <= static_cast<unsigned>(words.last); ++i) {
        known += (i == 0 ? "" : ", ") + std::string(to_string(static_cast<Enum>(i)));
      }
      faults.add(std::string(name) + " is " + std::to_string(number) + "; it must be one of " + known);
    }
    template <typename Owner, schema::Section T>
    void operator()(const char* name, T Owner::*member, const char* /*about*/) const {
      faults.check_section(name, options.*member);
    }
    template <typename Owner, schema::Section T>
    void operator()(const char* name, T Owner::*member, const schema::Without& /*without*/, const char* about) const {
      (*this)(name, member, about);
    }
    // Of a text, a list and a bool, any value is in range.
    template <typename... Rest>
    void operator()(const char* /*name*/, const Rest&... /*field*/) const {}
  };

  template <typename Options>
  void check_section(const std::string& name, const Options& options) {
    const std::string prefix = name.empty() ? "" : name + ".";
    if constexpr (requires { options.validate(); }) {
      for (const std::string& fault : options.validate()) add(prefix + fault);
    } else {
      Faults inner(prefix_ + prefix);
      inner.check_fields(options);
      for (std::string& fault : inner.take()) faults_.push_back(std::move(fault));
    }
  }
  void out_of(const char* name, const std::string& value, const schema::Range& range);

  std::string prefix_;
  std::vector<std::string> faults_;
};

}  // namespace quoll
