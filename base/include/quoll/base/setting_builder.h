// How settings.h makes its list: a visitor that binds each field's name to functions which show and read the member.
//
// Thread-compatible: lives while the list is made.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/base/setting.h"

namespace quoll::schema::internal {

Value to_value(Duration value);
Value to_value(const DurationRange& value);
inline Value to_value(unsigned value) {
  return std::uint64_t{value};
}
inline Value to_value(std::uint64_t value) {
  return value;
}
inline Value to_value(double value) {
  return value;
}
inline Value to_value(bool value) {
  return value;
}
inline Value to_value(const std::string& value) {
  return value;
}
template <typename Enum>
requires std::is_enum_v<Enum> Value to_value(Enum value) {
  return std::string(to_string(value));
}

Fault from_text(std::string_view text, const Setting& setting, Duration& out);
Fault from_text(std::string_view text, const Setting& setting, DurationRange& out);
Fault from_text(std::string_view text, const Setting& setting, unsigned& out);
Fault from_text(std::string_view text, const Setting& setting, std::uint64_t& out);
Fault from_text(std::string_view text, const Setting& setting, double& out);
Fault from_text(std::string_view text, const Setting& setting, bool& out);
Fault from_text(std::string_view text, const Setting& setting, std::string& out);
// The number of the word among the setting's.
Fault word_from_text(std::string_view text, const Setting& setting, unsigned& out);

Kind kind_of(const Range& range, bool whole);
const char* form_of(Kind kind);

struct Made {
  std::vector<Setting>& settings;
  std::vector<SectionOf>& sections;
};

// Visits `Owner`, which is found in the root by `owner`.
template <typename Owner>
class Builder {
 public:
  using Find = std::function<const void*(const void* root)>;
  Builder(const Made& made, std::string prefix, Find owner)
      : made_(made), prefix_(std::move(prefix)), owner_(std::move(owner)) {}

  template <typename C, typename T>
  void operator()(const char* name, T C::*member, const Range& range, const char* about) const {
    using P = typename Plain<T>::type;
    Setting& made = add(name, about);
    constexpr bool is_time = std::is_same_v<P, Duration> || std::is_same_v<P, DurationRange>;
    made.kind = std::is_same_v<P, DurationRange> ? Kind::duration_range
                : is_time                        ? Kind::duration
                                                 : kind_of(range, std::is_integral_v<P>);
    made.range = range;
    bind(made, member);
  }
  template <typename C, typename Enum>
  void operator()(const char* name, Enum C::*member, Words<Enum> words, const char* about) const {
    Setting& made = add(name, about);
    made.kind = Kind::word;
    for (unsigned i = 0; i <= static_cast<unsigned>(words.last); ++i) {
      made.words.emplace_back(to_string(static_cast<Enum>(i)));
      made.form += (i == 0 ? "" : "|") + made.words.back();
    }
    bind(made, member);
  }
  template <typename C>
  void operator()(const char* name, bool C::*member, const char* about) const {
    Setting& made = add(name, about);
    made.kind = Kind::flag;
    bind(made, member);
  }
  template <typename C>
  void operator()(const char* name, std::string C::*member, Form form, const char* about) const {
    Setting& made = add(name, about);
    made.kind = Kind::text;
    made.form = form.text;
    bind(made, member);
  }
  template <typename C>
  void operator()(const char* name, const Spelled<C>& spelled, const char* about) const {
    Setting& made = add(name, about);
    made.kind = Kind::text;
    made.form = spelled.form.text;
    made.show_at = [owner = owner_, show = spelled.show](const void* root) { return show(at(owner, root)); };
    made.read_at = [owner = owner_, read = spelled.read](void* root, std::string_view text) {
      return read(at(owner, root), text);
    };
  }
  template <typename C, Section T>
  void operator()(const char* name, T C::*member, const char* about) const {
    if (*name != '\0') made_.sections.push_back({prefix_ + name, about});
    const std::string prefix = *name == '\0' ? prefix_ : prefix_ + name + ".";
    T::describe(Builder<T>(made_, prefix, [owner = owner_, member](const void* root) -> const void* {
      return &(static_cast<const Owner*>(owner(root))->*member);
    }));
  }
  template <typename C, Section T>
  void operator()(const char* name, T C::*member, const Without& without, const char* about) const {
    (*this)(name, member, about);
    for (const char* const each : without.names) {
      if (each == nullptr) break;
      std::erase_if(made_.settings, [left_out = prefix_ + name + "." + each](const Setting& setting) {
        return setting.name == left_out;
      });
    }
  }

 private:
  static const Owner& at(const Find& owner, const void* root) { return *static_cast<const Owner*>(owner(root)); }
  static Owner& at(const Find& owner, void* root) {
    return *const_cast<Owner*>(static_cast<const Owner*>(owner(root)));  // NOLINT: the root was given as one to change
  }
  Setting& add(const char* name, const char* about) const {
    Setting& made = made_.settings.emplace_back();
    made.name = prefix_ + name;
    made.about = about;
    return made;
  }
  template <typename C, typename T>
  void bind(Setting& made, T C::*member) const {
    using P = typename Plain<T>::type;
    if (made.form.empty()) made.form = form_of(made.kind);
    made.show_at = [owner = owner_, member](const void* root) {
      const P& value = at(owner, root).*member;
      return to_value(value);
    };
    made.read_at = [owner = owner_, member, like = made](void* root, std::string_view text) {
      P value{};
      Fault fault;
      if constexpr (std::is_enum_v<P>) {
        unsigned number = 0;
        fault = word_from_text(text, like, number);
        value = static_cast<P>(number);
      } else {
        fault = from_text(text, like, value);
      }
      if (!fault) at(owner, root).*member = std::move(value);
      return fault;
    };
  }

  Made made_;
  std::string prefix_;
  Find owner_;
};

template <typename Options>
struct Resolver {
  Options& options;
  template <typename C, Section T>
  void operator()(const char* /*name*/, T C::*member, const char* /*about*/) const {
    T& inner = options.*member;
    T::describe(Resolver<T>{inner});
    if constexpr (requires { inner.resolved(); }) inner = inner.resolved();
  }
  template <typename C, Section T>
  void operator()(const char* name, T C::*member, const Without& /*without*/, const char* about) const {
    (*this)(name, member, about);
  }
  template <typename... Rest>
  void operator()(const char* /*name*/, const Rest&... /*field*/) const {}
};

}  // namespace quoll::schema::internal
