// Faults: collects what is wrong with a set of options, each fault naming the option, its value and the allowed range.
//
// Thread-compatible: lives for one validate().
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::core::internal {

class Faults {
 public:
  void check(const char* name, Duration value, Duration low, Duration high) {
    if (value >= low && value <= high) return;
    add(name, format_duration(value), format_duration(low), format_duration(high));
  }
  void check(const char* name, unsigned value, unsigned low, unsigned high) {
    if (value >= low && value <= high) return;
    add(name, std::to_string(value), std::to_string(low), std::to_string(high));
  }
  void check(const char* name, double value, double low, double high) {
    if (value >= low && value <= high) return;  // false for a NaN
    add(name, text(value), text(low), text(high));
  }
  // A share of calls: above 0, at most 1.
  void check_share(const char* name, double value) {
    if (value > 0 && value <= 1) return;
    faults_.push_back(std::string(name) + " is " + text(value) + "; it must be above 0 and at most 1");
  }
  // One of the enum's values, which begin at 0 and end with `last`.
  template <typename Enum>
  void check_enum(const char* name, Enum value, Enum last) {
    const auto number = static_cast<unsigned>(value);
    if (number <= static_cast<unsigned>(last)) return;
    std::string known;
    for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
      known += (i == 0 ? "" : ", ") + std::string(to_string(static_cast<Enum>(i)));
    }
    faults_.push_back(std::string(name) + " is " + std::to_string(number) + "; it must be one of " + known);
  }
  // `value` must be at least that of another option.
  void check_order(const char* name, Duration value, const char* other, Duration least) {
    if (value >= least) return;
    faults_.push_back(std::string(name) + " is " + format_duration(value) + "; it must be at least " + other +
                      ", which is " + format_duration(least));
  }
  void check_order(const char* name, unsigned value, const char* other, unsigned least) {
    if (value >= least) return;
    faults_.push_back(std::string(name) + " is " + std::to_string(value) + "; it must be at least " + other +
                      ", which is " + std::to_string(least));
  }
  void add(std::string fault) { faults_.push_back(std::move(fault)); }
  std::vector<std::string> take() { return std::move(faults_); }

 private:
  static std::string text(double value) {
    std::string digits = std::to_string(value);
    while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
    return digits;
  }
  void add(const char* name, const std::string& value, const std::string& low, const std::string& high) {
    faults_.push_back(std::string(name) + " is " + value + "; it must be between " + low + " and " + high);
  }

  std::vector<std::string> faults_;
};

}  // namespace quoll::core::internal
