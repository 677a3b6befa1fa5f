#include "quoll/proxy/config/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "config_text.h"
#include "quoll/base/settings.h"

namespace quoll::proxy {
namespace {

constexpr Flag kFlags[] = {
    {"--listen", "listen"},
    {"--upstream", "upstream"},
    {"--admin", "admin"},
    {"--workers", "workers"},
    {"--timeout", "timeout"},
    {"--error-threshold", "breaker.failure_rate_threshold", true},
    {"--reset-timeout", "breaker.reset_timeout"},
    {"--window", "breaker.window"},
    {"--buckets", "breaker.buckets"},
    {"--volume-threshold", "breaker.minimum_volume"},
    {"--verdict", "verdict"},
    {"--retries", "retries"},
    {"--concurrency", "concurrency"},
    {"--admission", "admission"},
    {"--fallback", "fallback"},
    {"--fallback-methods", "fallback_methods"},
    {"--pages", "pages"},
    {"--log-level", "log_level"},
};

const schema::Settings<ProxyOptions>& of_proxy() {
  return schema::settings_of<ProxyOptions>();
}

const schema::Settings<RouteOptions>& of_route() {
  return schema::settings_of<RouteOptions>();
}

template <typename Options>
Result<void> apply(Options& options, std::string_view name, std::string_view text) {
  if (schema::settings_of<Options>().find(name) != nullptr) {
    if (const auto wrong = find_value_fault(text)) return Error{fmt::format("{}: {}", name, *wrong), "setting"};
  }
  return schema::settings_of<Options>().apply(options, name, text);
}

}  // namespace

Result<void> apply_setting(ProxyOptions& options, std::string_view name, std::string_view text) {
  if (auto applied = apply(options, name, text); !applied || of_route().find(name) == nullptr) return applied;
  for (RouteOptions& route : options.routes) {
    const bool own = std::find(route.own.begin(), route.own.end(), name) != route.own.end();
    if (own) continue;
    if (auto applied = apply(route, name, text); !applied) return applied;
  }
  return {};
}

Result<void> apply_route_setting(RouteOptions& route, std::string_view name, std::string_view text) {
  if (of_route().find(name) == nullptr && of_proxy().find(name) != nullptr) {
    return Error{fmt::format("{}: is the whole proxy's, and cannot be set for one route", name), "proxy_setting"};
  }
  if (auto applied = apply(route, name, text); !applied) return applied;
  route.own.emplace_back(name);
  return {};
}

std::vector<std::string> setting_names() {
  return of_proxy().names();
}

bool is_setting(std::string_view name) {
  return of_proxy().find(name) != nullptr || of_route().find(name) != nullptr;
}

bool is_section(std::string_view name) {
  const auto& all = of_proxy().sections();
  return std::any_of(all.begin(), all.end(), [name](const schema::SectionOf& each) { return each.name == name; });
}

std::span<const Flag> flags() {
  return kFlags;
}

const schema::Setting& setting_of(const Flag& flag) {
  const schema::Setting* const found = of_proxy().find(flag.setting);
  QUOLL_ASSERT(found != nullptr);
  return *found;
}

std::string settings_table() {
  std::string out = schema::table_of(of_proxy().list(), of_proxy().sections());
  for (const Flag& flag : kFlags) {
    const std::string cell = fmt::format("| `{}` |", flag.setting);
    const std::size_t at = out.find(cell);
    if (at != std::string::npos) out.insert(at + cell.size() - 2, fmt::format(", `{}`", flag.flag));
  }
  constexpr std::string_view kPages = "docs/policies/";
  for (std::size_t at = out.find(kPages); at != std::string::npos; at = out.find(kPages, at)) {
    const std::size_t end = out.find(".md", at);
    const std::string page = out.substr(at + kPages.size(), end - at - kPages.size());
    out.replace(at, end + 3 - at, fmt::format("[{0}](policies/{0}.md)", page));
  }
  return out;
}

}  // namespace quoll::proxy
