// RouteTable: which route takes a request, by its host and its path. Built once, then only read.
//
// A rule has a host, or is for every host, and a path prefix. The rules of the request's host come first; among them
// the longest prefix wins. Prefixes end where segments end: "/orders" takes "/orders" and "/orders/1", not "/orders2".
// When none of the host's rules takes the path, those for every host are asked, and then the answer is 0: the route
// that takes what no other takes.
//
// Paths are compared in the normal form of RFC 3986 section 6.2.2: escapes of unreserved characters are decoded, other
// escapes have upper-case digits, dot segments are resolved. An escaped slash stays a part of its segment; case
// matters; empty segments count ("//orders" is not "/orders"). A path that has no normal form, for an escape in it is
// broken, and the targets that are no paths ("*") match nothing. Hosts are compared without port, case and final dot.
//
// A tree by segments, so that a look-up costs one step for each segment that some rule has, however many rules there
// are and whatever the client sent.
//
// Thread-compatible; const calls are thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quoll::proxy {

class RouteTable {
 public:
  // `host`: empty for every host. `path`: in normal form (see normal_path); one slash at its end means nothing.
  // `target` is what find() returns: not 0. False when there is a rule for these two already.
  bool add(std::string_view host, std::string_view path, std::uint32_t target);

  // `host`: as in Host, may be empty. `path`: with or without its query. Allocates only when the path is not in normal
  // form.
  std::uint32_t find(std::string_view host, std::string_view path) const {
    return nodes_.empty() ? 0 : find_in_tree(host, path);
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Map = std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>>;
  struct Node {
    Map children;
    std::uint32_t target = 0;
  };

  std::uint32_t find_in_tree(std::string_view host, std::string_view path) const;
  std::uint32_t walk(std::uint32_t root, std::string_view path) const;
  std::uint32_t make_node();

  std::vector<Node> nodes_;  // nodes_[0]: the root for every host
  Map hosts_;                // the roots of those with rules of their own
};

// The normal form of a path without query; nullopt when an escape in it is broken or it does not start with "/".
std::optional<std::string> normal_path(std::string_view path);

// A host in the form that is compared: without port and final dot, in lower case.
std::string normal_host(std::string_view host);

}  // namespace quoll::proxy
