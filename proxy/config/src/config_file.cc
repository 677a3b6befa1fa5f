#include "quoll/proxy/config/config_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>

#include "config_text.h"
#include "yaml_documents.h"

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
    for (const std::string& text : options_.validate()) fault(place_of(text.substr(0, text.find_first_of(": "))), text);
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
  // Where a setting stands, or the nearest around it: what a route takes from elsewhere is shown where it begins.
  YAML::Mark place_of(std::string name) const {
    for (;;) {
      if (const auto place = places_.find(name); place != places_.end()) return place->second;
      const std::size_t dot = name.rfind('.');
      // `concurrency: 5000` sets an option of this section.
      const bool limit = std::string_view(name).substr(0, dot).ends_with("concurrency_limit");
      if (dot == std::string::npos) return YAML::Mark::null_mark();
      name.resize(dot);
      if (limit && places_.find(name) == places_.end()) name.resize(name.size() - std::string_view("_limit").size());
    }
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
    if (count_ > kMostFaults && !is_setting(name)) return fault(entry.first.Mark(), {});  // counted; nobody reads more
    const auto applied =
        route == nullptr ? apply_setting(options_, name, text) : apply_route_setting(*route, name, text);
    if (applied) return;
    const std::string scope = route == nullptr ? "" : scope_;
    if (applied.error().code != "setting") {
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
    const YamlDocuments documents = find_documents(text);
    if (documents.stuck) reader.fault(documents.stuck_at, "this cannot be here; write 'setting: value' lines");
    for (std::size_t i = documents.first_is_empty ? 0 : 1; i < documents.begins.size(); ++i) {
      reader.fault(documents.begins[i], "this is a second document; a configuration is one: put all settings in it");
    }
    if (!documents.first_is_empty) reader.file(YAML::Load(text));
    reader.validate();
  } catch (const YAML::Exception& error) {
    const bool deep = error.msg == YAML::ErrorMsg::BAD_FILE;  // what yaml-cpp says when it would nest further
    reader.fault(error.mark, deep ? "there are too many lists or settings within each other" : error.msg);
  }
  if (!reader.faults().empty()) return Error{reader.faults(), "config"};
  return std::move(reader.options());
}

}  // namespace quoll::proxy
