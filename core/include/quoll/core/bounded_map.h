// BoundedMap: a hash map with room for so many entries, which knows who was used last.
//
// All nodes are made in the constructor; inserting moves the key and the value into one of them, so that nothing but
// their own contents allocates. Chained, with two heads to an entry.
//
// Thread-compatible. Pointers to values hold until the entry is erased.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quoll/base/assert.h"
#include "quoll/base/rng.h"

namespace quoll::core {

// Strings can be looked up by std::string_view, without a copy. is_mixed: each bit depends on each of the key's. A hash
// that does not say so (std::hash<int> is the number itself) is mixed where it is used.
template <typename Key>
struct KeyHash {
  using is_mixed = void;
  std::uint64_t operator()(const Key& key) const { return splitmix64(std::hash<Key>{}(key)); }
};
template <>
struct KeyHash<std::string> {
  using is_mixed = void;
  std::uint64_t operator()(std::string_view key) const { return splitmix64(std::hash<std::string_view>{}(key)); }
};

template <typename Key, typename Value, typename Hash = KeyHash<Key>>
class BoundedMap {
 public:
  explicit BoundedMap(std::uint32_t capacity)
      : heads_(std::bit_ceil(std::max<std::size_t>(2, std::size_t{capacity} * 2)), kNone), nodes_(capacity) {
    for (std::uint32_t i = capacity; i-- > 0;) {
      nodes_[i].chain = free_;
      free_ = i;
    }
  }

  // All bits of it are good; the map uses the low ones.
  template <typename Query>
  static std::uint64_t hash_of(const Query& key) {
    if constexpr (requires { typename Hash::is_mixed; }) {
      return Hash{}(key);
    } else {
      return splitmix64(static_cast<std::uint64_t>(Hash{}(key)));
    }
  }

  std::uint32_t size() const { return size_; }
  bool full() const { return free_ == kNone; }

  // Null when it is not there. Does not count as use.
  template <typename Query>
  Value* find(const Query& key) {
    const std::uint32_t index = lookup(key);
    return index == kNone ? nullptr : &nodes_[index].entry->second;
  }
  // As find; counts as use.
  template <typename Query>
  Value* use(const Query& key) {
    const std::uint32_t index = lookup(key);
    if (index == kNone) return nullptr;
    if (index != newest_) {
      unlink(index);
      link(index);
    }
    return &nodes_[index].entry->second;
  }
  // The key must not be there, and the map not full.
  Value& insert(Key key, Value value) {
    QUOLL_ASSERT(free_ != kNone);
    const std::uint32_t index = free_;
    Node& node = nodes_[index];
    free_ = node.chain;
    std::uint32_t& head = head_of(key);
    node.chain = head;
    head = index;
    node.entry.emplace(std::move(key), std::move(value));
    link(index);
    ++size_;
    return node.entry->second;
  }
  template <typename Query>
  std::optional<Value> erase(const Query& key) {
    std::uint32_t* at = &head_of(key);
    while (*at != kNone && !(nodes_[*at].entry->first == key)) at = &nodes_[*at].chain;
    if (*at == kNone) return std::nullopt;
    const std::uint32_t index = *at;
    Node& node = nodes_[index];
    *at = node.chain;
    unlink(index);
    std::optional<Value> value = std::move(node.entry->second);
    node.entry.reset();
    node.chain = free_;
    free_ = index;
    --size_;
    return value;
  }

  // From the one that was used longest ago on, while `visit(key, value)` returns true. No change while it runs.
  template <typename Visit>
  void oldest_first(Visit visit) {
    for (std::uint32_t at = oldest_; at != kNone; at = nodes_[at].newer) {
      if (!visit(std::as_const(nodes_[at].entry->first), nodes_[at].entry->second)) return;
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  struct Node {
    std::optional<std::pair<Key, Value>> entry;
    std::uint32_t chain = kNone;  // in its bucket, or in the free list
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
  };
  template <typename Query>
  std::uint32_t& head_of(const Query& key) {
    return heads_[hash_of(key) & (heads_.size() - 1)];
  }
  template <typename Query>
  std::uint32_t lookup(const Query& key) {
    std::uint32_t index = head_of(key);
    while (index != kNone && !(nodes_[index].entry->first == key)) index = nodes_[index].chain;
    return index;
  }
  void link(std::uint32_t index) {
    nodes_[index].older = newest_;
    nodes_[index].newer = kNone;
    (newest_ == kNone ? oldest_ : nodes_[newest_].newer) = index;
    newest_ = index;
  }
  void unlink(std::uint32_t index) {
    Node& node = nodes_[index];
    (node.older == kNone ? oldest_ : nodes_[node.older].newer) = node.newer;
    (node.newer == kNone ? newest_ : nodes_[node.newer].older) = node.older;
  }

  std::vector<std::uint32_t> heads_;
  std::vector<Node> nodes_;
  std::uint32_t free_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::uint32_t size_ = 0;
};

}  // namespace quoll::core
