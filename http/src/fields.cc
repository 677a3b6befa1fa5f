#include "quoll/http/fields.h"

#include <algorithm>

#include "chars.h"

namespace quoll::http {

bool internal::iequals(const char* a, const char* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) {
  if (!text.empty() && (is_space(text.front()) || is_space(text.back()))) return false;
  return std::all_of(text.begin(), text.end(), is_field_char);
}

bool list_contains(std::string_view value, std::string_view option) {
  bool found = false;
  for_each_member(value, [&](std::string_view member) { found = found || iequals(member, option); });
  return found;
}

std::optional<std::string_view> FieldList::find(std::string_view name) const {
  for (const Field& field : *this) {
    if (iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t FieldList::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [&](const Field& field) { return iequals(field.name, name); }));
}

void FieldList::rebase(const char* from, const char* to) {
  Field* fields = size_ <= kInlineFields ? inline_.data() : heap_.data();
  for (std::size_t i = 0; i < size_; ++i) {
    fields[i].name = rebased(fields[i].name, from, to);
    fields[i].value = rebased(fields[i].value, from, to);
  }
}

void FieldList::spill(Field field) {
  if (size_ == kInlineFields) heap_.assign(inline_.begin(), inline_.end());
  heap_.push_back(field);
}

}  // namespace quoll::http
