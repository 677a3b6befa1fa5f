#include "quoll/core/permit_pool.h"

#include "quoll/base/assert.h"

namespace quoll::core {

PermitPool::PermitPool(unsigned limit) : pool_(static_cast<std::int32_t>(limit)), limit_(limit) {
  QUOLL_ASSERT(limit <= kMaxLimit);
}

bool PermitPool::steal(unsigned shard) {
  for (unsigned i = 1; i < kShards; ++i) {
    if (withdraw(lines_[(shard + i) % kShards].free)) return true;
  }
  return false;
}

// Free permits pay the debt first; what is left over stays in the pool.
void PermitPool::collect() {
  for (Line& line : lines_) {
    if (line.free.load(std::memory_order_relaxed) == 0) continue;
    pool_.fetch_add(line.free.exchange(0));
  }
}

void PermitPool::set_limit(unsigned limit) {
  QUOLL_ASSERT(limit <= kMaxLimit);
  const unsigned before = limit_.exchange(limit, std::memory_order_relaxed);
  const auto delta = static_cast<std::int32_t>(limit) - static_cast<std::int32_t>(before);
  if (delta != 0 && pool_.fetch_add(delta) + delta < 0) collect();
}

unsigned PermitPool::in_use() const {
  auto used = static_cast<std::int32_t>(limit()) - pool_.load();
  for (const Line& line : lines_) used -= line.free.load();
  return used < 0 ? 0 : static_cast<unsigned>(used);
}

}  // namespace quoll::core
