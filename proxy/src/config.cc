#include "quoll/proxy/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace quoll::proxy {
namespace {

// Walks a document, applies what it finds and collects every fault with its place.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void file(const YAML::Node& root) {
    map(root, "", nullptr);
    routes();  // last: they take what the rest of the file says
  }

  void validate() {
    for (const std::string& text : options_.validate()) {
      // A fault starts with the name of its setting: "timeout: 0 is ..." or "breaker: reset_timeout is ...".
      std::string name = text.substr(0, text.find(':'));
      if (is_section(name.substr(name.rfind('.') + 1))) {
        const std::size_t start = text.find_first_not_of(": ", name.size());
        name += "." + text.substr(start, text.find(' ', start) - start);
      }
      auto place = places_.find(name);
      // What a route takes from elsewhere is shown where the route begins.
      if (place == places_.end()) place = places_.find(name.substr(0, name.find('.')));
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
    constexpr std::array<const char*, 7> kSections = {
        "breaker", "adaptive_timeout", "concurrency_limit", "retry", "retry_budget", "admission_control", "limits"};
    return std::find(kSections.begin(), kSections.end(), name) != kSections.end();
  }
  using Entry = YAML::const_iterator::value_type;
  static std::string section(const std::string& prefix) { return prefix.substr(0, prefix.size() - 1); }

  // The settings of the proxy or, when there is one, of a route. `prefix`: "", "breaker.", "routes[2]." ...
  void map(const YAML::Node& node, const std::string& prefix, RouteOptions* route) {
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
      const std::string word = entry.first.as<std::string>("");
      const bool outermost = prefix.find('.') == std::string::npos || prefix == scope_;
      if (outermost && is_section(word)) {
        map(entry.second, name + ".", route);
      } else if (prefix.empty() && word == "routes") {
        routes_.emplace(entry.second);
      } else {
        value(name, entry, route);
      }
    }
  }

  void routes() {
    if (!routes_) return;
    if (!routes_->IsSequence()) {
      fault(routes_->Mark(), "routes: must be a list, each '- name: NAME' with its 'path: /PATH' and 'upstream: URL'");
      return;
    }
    for (std::size_t i = 0; i < routes_->size(); ++i) {
      const YAML::Node node = (*routes_)[i];
      const std::string place = fmt::format("routes[{}]", i);
      scope_ = place + ".";
      places_.emplace(place, node.Mark());
      RouteOptions route = options_.default_route();
      route.name.clear();
      map(node, scope_, &route);
      if (node.IsMap() && !node["name"]) fault(node.Mark(), place + ": has no name");
      if (node.IsMap() && !node["path"] && !node["host"]) fault(node.Mark(), place + ": has neither a path nor a host");
      // What has no name has been reported; a second fault for it says nothing.
      if (route.name.empty()) route.name = fmt::format("route-{}", i);
      options_.routes.push_back(std::move(route));
    }
  }

  void value(const std::string& full, const Entry& entry, RouteOptions* route) {
    if (!entry.second.IsScalar()) {
      fault(entry.second.Mark(), fmt::format("{}: must be a single value", full));
      return;
    }
    const std::string& text = entry.second.Scalar();
    const std::string name = route == nullptr ? full : full.substr(scope_.size());
    if (route != nullptr && text_of_route(*route, name, text)) return;
    const auto applied =
        route == nullptr ? apply_setting(options_, name, text) : apply_route_setting(*route, name, text);
    if (applied) return;
    const std::string scope = route == nullptr ? "" : scope_;
    if (applied.error().code == "unknown_setting") {
      fault(entry.first.Mark(), scope + applied.error().message + suggestion(name));
    } else if (applied.error().code == "proxy_setting") {
      fault(entry.first.Mark(), scope + applied.error().message);
    } else {
      fault(entry.second.Mark(), scope + applied.error().message);
    }
  }

  // What says which requests are a route's.
  static bool text_of_route(RouteOptions& route, const std::string& name, const std::string& text) {
    std::string* const to = name == "name"   ? &route.name
                            : name == "host" ? &route.host
                            : name == "path" ? &route.path
                                             : nullptr;
    if (to != nullptr) *to = text;
    return to != nullptr;
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
  std::optional<YAML::Node> routes_;
  std::string scope_;  // of the route that is being read: "routes[2]."
  std::map<std::string, YAML::Mark> places_;
  std::string faults_;
};

}  // namespace

// yaml-cpp reports by exception; none leaves this function.
Result<ProxyOptions> read_config(const std::string& text, const std::string& file) {
  Reader reader(file);
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsNull()) reader.file(root);
    reader.validate();
  } catch (const YAML::Exception& error) {
    reader.fault(error.mark, error.msg);
  }
  if (!reader.faults().empty()) return Error{reader.faults(), "config"};
  return std::move(reader.options());
}

}  // namespace quoll::proxy
