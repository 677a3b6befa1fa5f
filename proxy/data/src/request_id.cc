#include "quoll/proxy/data/request_id.h"

namespace quoll::proxy {

std::string_view RequestId::made(Rng& rng) {
  if (!made_) {
    made_.emplace();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kSize; ++i, bits >>= 4U) {
      if (i % 16 == 0) bits = rng.next();
      (*made_)[i] = "0123456789abcdef"[bits & 15U];
    }
  }
  return {made_->data(), made_->size()};
}

}  // namespace quoll::proxy
