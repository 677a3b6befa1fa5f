#include "quoll/proxy/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>

namespace quoll::proxy {
namespace {

// Walks a document, applies what it finds and collects every fault with its place.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void map(const YAML::Node& node, const std::string& prefix) {
    if (!node.IsMap()) {
      fault(node.Mark(), prefix.empty() ? "the file must be a list of 'setting: value' lines"
                                        : fmt::format("{}: must hold 'setting: value' lines", section(prefix)));
      return;
    }
    for (const auto& entry : node) {
      const std::string name = prefix + entry.first.as<std::string>("");
      const auto [seen, first] = places_.emplace(name, entry.first.Mark());
      if (!first) {
        fault(entry.first.Mark(), fmt::format("{}: is set already in line {}", name, seen->second.line + 1));
        continue;
      }
      if (prefix.empty() && is_section(name)) {
        map(entry.second, name + ".");
      } else {
        value(name, entry);
      }
    }
  }

  void validate() {
    for (const std::string& text : options_.validate()) {
      // A fault starts with the name of its setting: "timeout: 0 is ..." or "breaker: reset_timeout is ...".
      std::string name = text.substr(0, text.find(':'));
      if (is_section(name)) {
        const std::size_t start = text.find_first_not_of(": ", name.size());
        name += "." + text.substr(start, text.find(' ', start) - start);
      }
      const auto place = places_.find(name);
      fault(place == places_.end() ? YAML::Mark::null_mark() : place->second, text);
    }
  }

  void fault(const YAML::Mark& mark, const std::string& text) {
    faults_ += faults_.empty() ? "" : "\n";
    faults_ += mark.is_null() ? fmt::format("{}: {}", file_, text)
                              : fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, text);
  }

  const std::string& faults() const { return faults_; }
  ProxyOptions& options() { return options_; }

 private:
  // Settings of a section have its name and a dot before theirs.
  static bool is_section(const std::string& name) {
    constexpr std::array<const char*, 4> kSections = {"breaker", "adaptive_timeout", "admission_control", "limits"};
    return std::find(kSections.begin(), kSections.end(), name) != kSections.end();
  }
  static std::string section(const std::string& prefix) { return prefix.substr(0, prefix.size() - 1); }

  void value(const std::string& name, const YAML::const_iterator::value_type& entry) {
    if (!entry.second.IsScalar()) {
      fault(entry.second.Mark(), fmt::format("{}: must be a single value", name));
      return;
    }
    const auto applied = apply_setting(options_, name, entry.second.Scalar());
    if (applied) return;
    if (applied.error().code == "unknown_setting") {
      fault(entry.first.Mark(), applied.error().message + suggestion(name));
    } else {
      fault(entry.second.Mark(), applied.error().message);
    }
  }

  // The names that share the longest beginning with the unknown one.
  static std::string suggestion(const std::string& unknown) {
    const auto common = [&](const std::string& name) {
      const auto [a, b] = std::mismatch(unknown.begin(), unknown.end(), name.begin(), name.end());
      return a - unknown.begin();
    };
    const std::vector<std::string> names = setting_names();
    const auto nearest = std::max_element(names.begin(), names.end(),
                                          [&](const auto& a, const auto& b) { return common(a) < common(b); });
    const auto section_end = static_cast<std::ptrdiff_t>(unknown.find('.') + 1);
    return common(*nearest) >= section_end + 3 ? fmt::format("; did you mean {}?", *nearest) : std::string();
  }

  std::string file_;
  ProxyOptions options_;
  std::map<std::string, YAML::Mark> places_;
  std::string faults_;
};

}  // namespace

// yaml-cpp reports by exception; none leaves this function.
Result<ProxyOptions> read_config(const std::string& text, const std::string& file) {
  Reader reader(file);
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsNull()) reader.map(root, "");
    reader.validate();
  } catch (const YAML::Exception& error) {
    reader.fault(error.mark, error.msg);
  }
  if (!reader.faults().empty()) return Error{reader.faults(), "config"};
  return std::move(reader.options());
}

}  // namespace quoll::proxy
