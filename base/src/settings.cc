// Values to text and back, and names near to others.
#include "quoll/base/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "schema_text.h"

namespace quoll::schema {

std::string number_text(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  // 1000000 and not 1e+06, unless that would be longer than people read.
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e15);
  char digits[64];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::general;
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, format);
  return error == std::errc() ? std::string(digits, end) : "a number";
}

std::string bound_text(double bound, Unit unit) {
  return unit == Unit::duration ? format_duration(Duration(static_cast<std::int64_t>(bound))) : number_text(bound);
}

std::string text_of(const Value& value) {
  if (const auto* const flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* const count = std::get_if<std::uint64_t>(&value)) return std::to_string(*count);
  if (const auto* const number = std::get_if<double>(&value)) return number_text(*number);
  if (const auto* const text = std::get_if<std::string>(&value)) return *text;
  return {};
}

const Setting* find_setting(const std::vector<Setting>& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [name](const Setting& each) { return each.name == name; });
  return found == list.end() ? nullptr : &*found;
}

namespace {

// How many letters must be changed, added, taken away or swapped with their neighbour (Damerau's distance, each letter
// touched once).
// At least `enough`, where it is no less.
std::size_t distance(std::string_view a, std::string_view b, std::size_t enough) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= enough) return enough;
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  std::vector<std::size_t> next = row;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);  // all of it without a dot
}

// "1,000,000".
std::string grouped(const std::string& digits) {
  if (digits.find_first_not_of("0123456789") != std::string::npos || digits.size() < 5) return digits;
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace

std::string suggestion(std::string_view unknown, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // nothing that is longer is a slip of the hand
  if (unknown.empty() || unknown.size() > kLongest) return {};
  const std::string* nearest = nullptr;
  std::size_t least = 1 + std::max<std::size_t>(1, unknown.size() / 4);
  for (const std::string& name : known) {
    // In the wrong section, or in none: as near as its last part, and a little.
    const std::string_view part = last_part(unknown);
    const std::size_t apart = part.size() < 4 ? least : distance(part, last_part(name), least) + 1;
    const std::size_t away = std::min(distance(unknown, name, least), apart);
    if (away >= least) continue;
    least = away;
    nearest = &name;
  }
  return nearest == nullptr ? std::string() : "; did you mean " + *nearest + "?";
}

std::string Setting::standard_text() const {
  const std::string text = text_of(standard);
  return range && range->zero != nullptr && (text == "0" || text == "0s") ? range->zero : grouped(text);
}

std::string Setting::allowed() const {
  if (!range) return kind == Kind::text || kind == Kind::word ? form : "true, false";
  const std::string low = grouped(bound_text(range->low, range->unit));
  const std::string high = grouped(bound_text(range->high, range->unit));
  const std::string zero = range->zero == nullptr ? "" : "0 (" + std::string(range->zero) + ")";
  if (range->above_low) return (zero.empty() ? "" : zero + ", ") + "above " + low + ", at most " + high;
  if (zero.empty()) return low + " to " + high;
  return range->low > 0 ? zero + ", " + low + " to " + high : zero + " to " + high;
}

std::string Setting::short_about() const {
  const std::size_t end = std::min(about.find(". "), about.find("; "));
  return about.substr(0, end == std::string::npos ? about.size() - 1 : end);
}

std::string_view Setting::section() const {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(name).substr(0, dot);
}

namespace {

// Text in a cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

// "ratio 0.1, capacity 20", or "its own" for a long one.
std::string standards_of(const std::vector<Setting>& list, const std::string& section) {
  constexpr int kMost = 4;
  std::string out;
  int count = 0;
  for (const Setting& each : list) {
    if (each.section() != section) continue;
    if (++count > kMost) return "its own";
    out += (out.empty() ? "" : ", ") + each.name.substr(section.size() + 1) + " " + each.standard_text();
  }
  return out;
}

}  // namespace

std::string table_of(const std::vector<Setting>& list, const std::vector<SectionOf>& sections) {
  std::string out = "| option | default | range | meaning |\n|---|---|---|---|\n";
  for (const Setting& each : list) {
    if (!each.section().empty()) continue;
    const std::string standard = each.standard_text();
    out += "| `" + each.name + "` | " + cell(standard.empty() ? "none" : standard) + " | " + cell(each.allowed()) +
           " | " + cell(each.about) + " |\n";
  }
  for (const SectionOf& each : sections) {
    out += "| `" + each.name + ".*` | " + standards_of(list, each.name) + " | | " + cell(each.about) + " |\n";
  }
  return out;
}

namespace internal {

namespace {

std::string quoted(std::string_view text, const char* what) {
  return "'" + std::string(text) + "' " + what;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Fault read_bytes(std::string_view text, std::uint64_t& out) {
  std::uint64_t unit = 1;
  std::string_view digits = text;
  for (const auto& [suffix, factor] : {std::pair{"KiB", 1U << 10U}, {"MiB", 1U << 20U}, {"GiB", 1U << 30U}}) {
    if (!text.ends_with(suffix)) continue;
    unit = factor;
    digits.remove_suffix(3);
  }
  const auto parsed = number<std::uint64_t>(digits);
  if (!parsed || *parsed > UINT64_MAX / unit) {
    return quoted(text, "is not a whole number; write one, or a size such as 64KiB");
  }
  out = *parsed * unit;
  return {};
}

}  // namespace

Value to_value(Duration value) {
  return format_duration(value);
}

Value to_value(const DurationRange& value) {
  return format_duration_range(value);
}

Fault from_text(std::string_view text, const Setting& /*setting*/, Duration& out) {
  const auto parsed = parse_duration(text);
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

Fault from_text(std::string_view text, const Setting& /*setting*/, DurationRange& out) {
  const auto parsed = parse_duration_range(text);
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

Fault from_text(std::string_view text, const Setting& /*setting*/, unsigned& out) {
  const auto parsed = number<unsigned>(text);
  if (!parsed) return quoted(text, "is not a whole number");
  out = *parsed;
  return {};
}

Fault from_text(std::string_view text, const Setting& setting, std::uint64_t& out) {
  if (setting.kind == Kind::bytes) return read_bytes(text, out);
  const auto parsed = number<std::uint64_t>(text);
  if (!parsed) return quoted(text, "is not a whole number");
  out = *parsed;
  return {};
}

Fault from_text(std::string_view text, const Setting& setting, double& out) {
  const bool share = setting.kind == Kind::share;
  const bool percent = share && text.ends_with('%');
  const auto parsed = number<double>(text.substr(0, text.size() - (percent ? 1 : 0)));
  if (!parsed || !std::isfinite(*parsed)) {
    return quoted(text, share ? "is not a share; write 50% or 0.5" : "is not a number");
  }
  out = percent ? *parsed / 100 : *parsed;
  return {};
}

Fault from_text(std::string_view text, const Setting& /*setting*/, bool& out) {
  const bool yes = text == "true" || text == "on";
  if (!yes && text != "false" && text != "off") return quoted(text, "is not true or false");
  out = yes;
  return {};
}

Fault from_text(std::string_view text, const Setting& /*setting*/, std::string& out) {
  if (text.empty()) return "must not be empty";
  out = text;
  return {};
}

Fault word_from_text(std::string_view text, const Setting& setting, unsigned& out) {
  std::string all;
  for (std::size_t i = 0; i < setting.words.size(); ++i) {
    all += (i == 0 ? "" : ", ") + setting.words[i];
    if (text != setting.words[i]) continue;
    out = static_cast<unsigned>(i);
    return {};
  }
  return quoted(text, ("is not one of " + all).c_str());
}

Kind kind_of(const Range& range, bool whole) {
  if (range.unit == Unit::bytes) return Kind::bytes;
  if (whole) return Kind::count;
  return range.unit == Unit::share ? Kind::share : Kind::number;
}

const char* form_of(Kind kind) {
  switch (kind) {
    case Kind::duration:
      return "DUR";
    case Kind::duration_range:
      return "DUR..DUR";
    case Kind::count:
      return "N";
    case Kind::bytes:
      return "SIZE";
    case Kind::share:
      return "SHARE";
    case Kind::flag:
      return "true|false";
    case Kind::number:
    case Kind::word:
    case Kind::text:
      break;
  }
  return "NUMBER";
}

}  // namespace internal

}  // namespace quoll::schema
