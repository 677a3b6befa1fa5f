#include "quoll/proxy/config/spelled.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "quoll/http/fields.h"
#include "quoll/proxy/config/options.h"

namespace quoll::proxy::spelled {

namespace {

std::optional<unsigned> number(std::string_view text) {
  unsigned value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

schema::Value timeout(const RouteSettings& options) {
  return options.policies.timeout == TimeoutKind::adaptive ? "adaptive" : format_duration(options.timeout);
}

schema::Fault timeout(RouteSettings& options, std::string_view text) {
  if (text == "adaptive") {
    options.policies.timeout = TimeoutKind::adaptive;
    return {};
  }
  const auto parsed = parse_duration(text);
  if (!parsed) return parsed.error().message + ", or write adaptive";
  options.policies.timeout = TimeoutKind::fixed;
  options.timeout = *parsed;
  return {};
}

schema::Value fallback(const RouteSettings& options) {
  return !options.fallback ? "off" : options.fallback_file.empty() ? "on" : options.fallback_file;
}

schema::Fault fallback(RouteSettings& options, std::string_view text) {
  if (text.empty()) return "must be on, off, or a file";
  options.fallback = text != "off";
  options.fallback_file = text == "on" || text == "off" ? "" : text;
  return {};
}

schema::Value fallback_methods(const RouteSettings& options) {
  if (options.fallback_methods.empty()) return "all";
  if (options.fallback_methods == RouteSettings{}.fallback_methods) return "safe";
  return fmt::format("{}", fmt::join(options.fallback_methods, ", "));
}

schema::Fault fallback_methods(RouteSettings& options, std::string_view text) {
  const std::string whole(text);
  if (text == "all" || text == "safe") {
    options.fallback_methods = text == "all" ? std::vector<std::string>() : RouteSettings{}.fallback_methods;
    return {};
  }
  std::vector<std::string> methods;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(", ");
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!word.empty()) methods.emplace_back(word);
  }
  const auto bad = [](const std::string& word) {
    return !http::is_token(word) || std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  };
  if (methods.empty() || std::any_of(methods.begin(), methods.end(), bad)) {
    return fmt::format("'{}' is not a list of methods; write such as GET, HEAD, POST, or safe, or all", whole);
  }
  options.fallback_methods = std::move(methods);
  return {};
}

schema::Value concurrency(const CallPolicyOptions& options) {
  if (!options.concurrency) return "off";
  const core::ConcurrencyLimitOptions& limit = options.concurrency_limit;
  if (limit.algorithm == core::LimitAlgorithm::fixed) return std::uint64_t{limit.initial};
  return core::to_string(limit.algorithm);
}

schema::Fault concurrency(CallPolicyOptions& options, std::string_view text) {
  core::ConcurrencyLimitOptions& limit = options.concurrency_limit;
  if (text == "off") {
    options.concurrency = false;
    return {};
  }
  if (const auto fixed = number(text)) {
    if (*fixed == 0) return "'0' would let no call through; write a number from 1, or off";
    options.concurrency = true;
    limit.algorithm = core::LimitAlgorithm::fixed;
    limit.initial = *fixed;
    return {};
  }
  using core::LimitAlgorithm;
  for (const LimitAlgorithm algorithm : {LimitAlgorithm::gradient2, LimitAlgorithm::vegas, LimitAlgorithm::aimd}) {
    if (text != core::to_string(algorithm)) continue;
    options.concurrency = true;
    limit.algorithm = algorithm;
    return {};
  }
  return fmt::format("'{}' is not one of gradient2, vegas, aimd, off, or a number", text);
}

schema::Value pages(const ProxyOptions& options) {
  switch (options.pages) {
    case PagesKind::by_listener:
      return "auto";
    case PagesKind::on:
      return "on";
    case PagesKind::off:
      return "off";
    case PagesKind::prefix:
      break;
  }
  return options.pages_prefix;
}

schema::Fault pages(ProxyOptions& options, std::string_view text) {
  const bool prefix = text.starts_with('/');
  if (!prefix && text != "auto" && text != "on" && text != "off") {
    return fmt::format("'{}' is not one of auto, on, off, or a prefix such as /quoll", text);
  }
  options.pages_prefix = prefix ? text : "";
  options.pages = prefix           ? PagesKind::prefix
                  : text == "auto" ? PagesKind::by_listener
                  : text == "on"   ? PagesKind::on
                                   : PagesKind::off;
  return {};
}

schema::Value priority_header(const ProxyOptions& options) {
  return options.priority_header.empty() ? schema::Value() : options.priority_header;
}

schema::Fault priority_header(ProxyOptions& options, std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), good)) {
    return fmt::format("'{}' is not a field's name; write one such as X-Priority", text);
  }
  options.priority_header = text;
  return {};
}

}  // namespace quoll::proxy::spelled
