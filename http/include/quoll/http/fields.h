// Field and FieldList: the header fields of one message, as views into the caller's buffer.
//
// A list keeps kInlineFields fields without allocating; a longer one moves to the heap once and keeps that capacity
// for its next message. The bytes belong to the caller that parsed them: a list is valid as long as that buffer neither
// moves nor changes. `rebase` follows a buffer that was copied elsewhere. Names keep the peer's spelling; look-ups
// ignore case (RFC 9110 section 5.1). Values have no surrounding white space and no control bytes except HTAB.
//
// Thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace quoll::http {

namespace internal {
bool iequals(const char* a, const char* b, std::size_t size);
}

struct Field {
  std::string_view name;
  std::string_view value;
};

// ASCII case-insensitive equality, as names, methods' tokens and connection options compare.
inline bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && internal::iequals(a.data(), b.data(), a.size());
}

// Whether a text is a token (RFC 9110 section 5.6.2): what methods and field names are made of.
bool is_token(std::string_view text);
// Whether a text may be sent as a field's value: no control bytes except HTAB, no white space at either end.
bool is_field_value(std::string_view text);

// True when the comma-separated list `value` holds `option` (case-insensitive), as in `Connection: close, upgrade`.
bool list_contains(std::string_view value, std::string_view option);

class FieldList {
 public:
  static constexpr std::size_t kInlineFields = 16;

  void add(std::string_view name, std::string_view value) {
    if (size_ < kInlineFields) {
      inline_[size_] = Field{name, value};
    } else {
      spill(Field{name, value});
    }
    ++size_;
  }
  // Forgets the fields, keeps the capacity.
  void clear() {
    size_ = 0;
    heap_.clear();
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Field* begin() const { return size_ <= kInlineFields ? inline_.data() : heap_.data(); }
  const Field* end() const { return begin() + size_; }
  const Field& operator[](std::size_t i) const { return begin()[i]; }

  // The first field of that name, in the order received.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  // The bytes were copied from `from` to `to`: every view moves along.
  void rebase(const char* from, const char* to);

 private:
  void spill(Field field);

  std::size_t size_ = 0;
  std::array<Field, kInlineFields> inline_;
  std::vector<Field> heap_;  // all the fields, once there are more than kInlineFields
};

}  // namespace quoll::http
