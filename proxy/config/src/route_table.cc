#include "quoll/proxy/config/route_table.h"

#include <array>

#include "quoll/base/assert.h"

namespace quoll::proxy {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view without_port(std::string_view host) {
  const std::size_t from = host.starts_with('[') ? host.find(']') : 0;
  if (from == std::string_view::npos) return host;
  host = host.substr(0, host.find(':', from));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

// Appends a segment with its escapes in normal form. False when one is broken.
bool append_segment(std::string& out, std::string_view segment) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out += segment[i];
      continue;
    }
    const int high = i + 2 < segment.size() ? hex(segment[i + 1]) : -1;
    const int low = i + 2 < segment.size() ? hex(segment[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    const char decoded = static_cast<char>(high * 16 + low);
    if (unreserved(decoded)) {
      out += decoded;
    } else {
      out += '%';
      out += kDigits[static_cast<std::size_t>(high)];
      out += kDigits[static_cast<std::size_t>(low)];
    }
    i += 2;
  }
  return true;
}

bool is_normal(std::string_view path) {
  return path.find('%') == std::string_view::npos && path.find("/.") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> normal_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::string out;
  out.reserve(path.size());
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::size_t start = out.size();
    out += '/';
    if (!append_segment(out, path.substr(at + 1, end - at - 1))) return std::nullopt;
    const std::string_view segment = std::string_view(out).substr(start + 1);
    if (segment == "." || segment == "..") {
      const bool up = segment == "..";
      out.resize(start);
      if (up && !out.empty()) out.resize(out.rfind('/'));
      if (end == path.size()) out += '/';  // "/a/." is "/a/"
    }
    at = end;
  }
  return out;
}

std::string normal_host(std::string_view host) {
  std::string out(without_port(host));
  for (char& c : out) c = lower(c);
  return out;
}

std::uint32_t RouteTable::make_node() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

bool RouteTable::add(std::string_view host, std::string_view path, std::uint32_t target) {
  QUOLL_ASSERT(target != 0 && path.starts_with('/'));
  if (nodes_.empty()) make_node();
  std::uint32_t at = 0;
  if (!host.empty()) {
    const auto [known, first] = hosts_.try_emplace(normal_host(host), 0);
    if (first) known->second = make_node();
    at = known->second;
  }
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    const auto known = nodes_[at].children.find(segment);
    if (known != nodes_[at].children.end()) {
      at = known->second;
    } else {
      const std::uint32_t made = make_node();
      nodes_[at].children.emplace(segment, made);
      at = made;
    }
    path.remove_prefix(end);
  }
  if (nodes_[at].target != 0) return false;
  nodes_[at].target = target;
  return true;
}

std::uint32_t RouteTable::walk(std::uint32_t root, std::string_view path) const {
  std::uint32_t best = nodes_[root].target;
  for (std::uint32_t at = root; !path.empty();) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const Map& children = nodes_[at].children;
    const auto child = children.find(path.substr(1, end - 1));
    if (child == children.end()) break;
    at = child->second;
    if (nodes_[at].target != 0) best = nodes_[at].target;
    path.remove_prefix(end);
  }
  return best;
}

std::uint32_t RouteTable::find_in_tree(std::string_view host, std::string_view path) const {
  path = path.substr(0, path.find('?'));
  if (!path.starts_with('/')) return 0;
  std::optional<std::string> normal;
  if (!is_normal(path)) {
    normal = normal_path(path);
    if (!normal) return 0;
    path = *normal;
  }
  if (!hosts_.empty()) {
    constexpr std::size_t kLongestHost = 255;
    std::array<char, kLongestHost> name;
    host = without_port(host);
    if (host.size() <= name.size()) {
      for (std::size_t i = 0; i < host.size(); ++i) name[i] = lower(host[i]);
      const auto root = hosts_.find(std::string_view(name.data(), host.size()));
      if (root != hosts_.end()) {
        if (const std::uint32_t found = walk(root->second, path); found != 0) return found;
      }
    }
  }
  return walk(0, path);
}

}  // namespace quoll::proxy
