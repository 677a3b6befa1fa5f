#include "quoll/proxy/config/config_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "config_text.h"

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
      // `concurrency: 5000` sets options of this section.
      const std::size_t limit = name.find("concurrency_limit.");
      if (place == places_.end() && limit != std::string::npos)
        place = places_.find(name.substr(0, limit) + "concurrency");
      // What a route takes from elsewhere is shown where the route begins.
      if (place == places_.end()) place = places_.find(name.substr(0, name.find('.')));
      fault(place == places_.end() ? YAML::Mark::null_mark() : place->second, text);
    }
  }

  void fault(const YAML::Mark& mark, const std::string& text) {
    if (++count_ > kMostFaults) return;
    faults_ += faults_.empty() ? "" : "\n";
    faults_ += mark.is_null() ? fmt::format("{}: {}", file_, text)
                              : fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, text);
  }

  std::string faults() const {
    return count_ <= kMostFaults ? faults_
                                 : fmt::format("{}\n{}: and {} more faults", faults_, file_, count_ - kMostFaults);
  }
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
      const std::string word = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
      const std::string name = prefix + shown(word);
      if (word.empty()) {
        fault(entry.first.Mark(), prefix + ": a setting's name is missing, or is no plain word");
        continue;
      }
      const auto [seen, first] = places_.emplace(name, entry.first.Mark());
      if (!first) {
        fault(entry.first.Mark(), fmt::format("{}: is set already in line {}", name, seen->second.line + 1));
        continue;
      }
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
    const std::string name = route == nullptr ? full : full.substr(scope_.size());
    const std::optional<std::string> single = scalar(name, entry.second);
    if (!single) {
      fault(entry.second.Mark(), fmt::format("{}: must be a single value", full));
      return;
    }
    const std::string& text = *single;
    if (const auto wrong = find_value_fault(text)) {
      fault(entry.second.Mark(), fmt::format("{}: {}", full, *wrong));
      return;
    }
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

  // The text of a value; a list of words may also be written as YAML writes lists.
  static std::optional<std::string> scalar(const std::string& name, const YAML::Node& node) {
    if (node.IsScalar()) return node.Scalar();
    if (name != "fallback_methods" || !node.IsSequence() || node.size() > kLongestValue) return std::nullopt;
    std::string out;
    for (const auto& word : node) {
      if (!word.IsScalar()) return std::nullopt;
      out += (out.empty() ? "" : ", ") + word.Scalar();
    }
    return out;
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
  static constexpr std::size_t kMostFaults = 200;
  std::size_t count_ = 0;
  std::string faults_;
};

}  // namespace

// yaml-cpp reports by exception; none leaves this function.
Result<ProxyOptions> read_config(const std::string& text, const std::string& file) {
  Reader reader(file);
  if (const auto wrong = find_text_fault(text)) {
    return Error{fmt::format("{}:{}:{}: {}", file, wrong->line, wrong->column, wrong->what), "config"};
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    for (std::size_t i = 1; i < documents.size(); ++i) {
      if (documents[i].IsNull()) continue;  // "---" at the end
      reader.fault(documents[i].Mark(), "this is a second document; a configuration is one: put all settings in it");
    }
    if (!documents.empty() && !documents.front().IsNull()) reader.file(documents.front());
    reader.validate();
  } catch (const YAML::Exception& error) {
    const bool deep = error.msg == YAML::ErrorMsg::BAD_FILE;  // what yaml-cpp says when it would nest further
    reader.fault(error.mark, deep ? "there are too many lists or settings within each other" : error.msg);
  }
  if (!reader.faults().empty()) return Error{reader.faults(), "config"};
  return std::move(reader.options());
}

}  // namespace quoll::proxy
