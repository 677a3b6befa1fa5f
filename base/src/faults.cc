#include "quoll/base/faults.h"

#include "schema_text.h"

namespace quoll {

namespace {

std::string order(const char* name, const std::string& value, const char* other, const std::string& least) {
  return std::string(name) + " is " + value + "; it must be at least " + other + ", which is " + least;
}

}  // namespace

void Faults::check_order(const char* name, Duration value, const char* other, Duration least) {
  if (value < least) add(order(name, format_duration(value), other, format_duration(least)));
}

void Faults::check_order(const char* name, unsigned value, const char* other, unsigned least) {
  if (value < least) add(order(name, std::to_string(value), other, std::to_string(least)));
}

void Faults::check(const char* name, Duration value, const schema::Range& range) {
  if (!range.holds(static_cast<double>(value.count()))) out_of(name, format_duration(value), range);
}

void Faults::check(const char* name, const DurationRange& value, const schema::Range& range) {
  const bool low = range.holds(static_cast<double>(value.low.count()));
  if (!low || !range.holds(static_cast<double>(value.high.count()))) {
    out_of(name, format_duration(low ? value.high : value.low), range);
  }
}

void Faults::check(const char* name, double value, const schema::Range& range) {
  if (!range.holds(value)) out_of(name, schema::number_text(value), range);
}

void Faults::check(const char* name, std::uint64_t value, const schema::Range& range) {
  if (!range.holds(static_cast<double>(value))) out_of(name, std::to_string(value), range);
}

void Faults::out_of(const char* name, const std::string& value, const schema::Range& range) {
  const bool extra_zero = range.zero != nullptr && (range.low > 0 || range.above_low);
  std::string text = std::string(name) + " is " + value + "; it must be ";
  if (extra_zero) text += "0 (" + std::string(range.zero) + ") or ";
  text += range.above_low ? "above " : "between ";
  text += schema::bound_text(range.low, range.unit);
  text += range.above_low ? " and at most " : " and ";
  add(text + schema::bound_text(range.high, range.unit));
}

}  // namespace quoll
