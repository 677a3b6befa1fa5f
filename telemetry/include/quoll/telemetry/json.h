// JsonWriter: writes compact JSON, member by member, into a string.
//
//   std::string text;
//   JsonWriter(text).begin_object().member("state",
//   "open").key("window").begin_array().value(1).end_array().end_object();
//
// Quoll's JSON is written by this, or by Boost.JSON where a tree is at hand or indented text is wanted: never by
// quoting by hand. Numbers come out as people write them (Boost.JSON prints 0.5 as 5E-1). That the calls nest as JSON
// does is the caller's business.
//
// Thread-compatible.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quoll::telemetry {

class JsonWriter {
 public:
  // Appends to `out`, which outlives it.
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  // Bytes that are not well-formed UTF-8 become '?'.
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return plain(yes ? "true" : "false"); }
  // The shortest form that reads back as the same number; null for NaN and the infinities.
  JsonWriter& value(double number);
  template <std::signed_integral T>
  JsonWriter& value(T number) {
    return whole(static_cast<std::int64_t>(number));
  }
  template <std::unsigned_integral T>
  JsonWriter& value(T number) {
    return whole(static_cast<std::uint64_t>(number));
  }
  template <typename T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  // With so many decimals.
  JsonWriter& fixed(double number, int decimals);
  JsonWriter& null() { return plain("null"); }

  template <typename T>
  JsonWriter& member(std::string_view name, const T& of) {
    return key(name).value(of);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& plain(std::string_view json);
  JsonWriter& whole(std::int64_t number);
  JsonWriter& whole(std::uint64_t number);
  void separate();

  std::string& out_;
  bool comma_ = false;  // a value is before this place, in the same brackets
};

// An object; `write` is given the writer for its members.
template <typename Write>
std::string json_object(const Write& write) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  write(writer);
  writer.end_object();
  return out;
}

}  // namespace quoll::telemetry
