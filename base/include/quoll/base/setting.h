// Setting: one option of a struct as text, and what there is to say of it; settings.h makes them of a describe().
//
// Thread-safe: constants and free functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/schema.h"

namespace quoll::schema {

enum class Kind : std::uint8_t { duration, duration_range, count, bytes, number, share, flag, word, text };

// One setting, of any struct.
struct Setting {
  std::string name;
  Kind kind{};
  std::string about;
  std::optional<Range> range;
  std::vector<std::string> words;  // with Kind::word
  std::string form;                // DUR, N, "on|off|FILE"
  Value standard;                  // the default

  // Its default and what it may be, for people: "10s", "10ms to 1h", "0 (off) to 1,000,000", "time, count,
  // consecutive".
  std::string standard_text() const;
  std::string allowed() const;
  // The first sentence of `about`, for --help.
  std::string short_about() const;
  // "breaker" of breaker.window; empty without one.
  std::string_view section() const;

  std::function<Value(const void* root)> show_at;
  std::function<Fault(void* root, std::string_view text)> read_at;
};

// A struct within: the settings of this name and a dot.
struct SectionOf {
  std::string name;
  std::string about;
};

// As it is written in a file: "10s", "0.5", "true". Empty when it is not set.
std::string text_of(const Value& value);

// "; did you mean breaker.window?", or nothing when no name is near.
std::string suggestion(std::string_view unknown, const std::vector<std::string>& known);

// The setting of this name, or null.
const Setting* find_setting(const std::vector<Setting>& list, std::string_view name);

// A table in Markdown, as the pages of docs/ have them; a section has one row.
std::string table_of(const std::vector<Setting>& list, const std::vector<SectionOf>& sections);

}  // namespace quoll::schema
