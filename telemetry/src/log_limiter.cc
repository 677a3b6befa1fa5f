#include "quoll/telemetry/log_limiter.h"

#include <algorithm>

#include "quoll/base/assert.h"

namespace quoll::telemetry {

LogLimiter::LogLimiter(double burst, double per_second) : burst_(burst), per_second_(per_second) {
  QUOLL_ASSERT(burst == 0 || burst >= 1);
  QUOLL_ASSERT(per_second >= 0);
}

LogLimiter::Bucket& LogLimiter::bucket(std::string_view key, TimePoint now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end() && buckets_.size() >= kMaxKeys) {
    key = "other";
    found = buckets_.find(key);
  }
  if (found == buckets_.end()) found = buckets_.emplace(std::string(key), Bucket{burst_, now, 0}).first;
  return found->second;
}

std::optional<std::uint64_t> LogLimiter::admit(std::string_view key, TimePoint now) {
  if (burst_ == 0) return 0;
  const MutexLock lock(mutex_);
  Bucket& bucket = this->bucket(key, now);
  if (now > bucket.filled_at) {
    bucket.tokens = std::min(burst_, bucket.tokens + per_second_ * to_seconds(now - bucket.filled_at));
    bucket.filled_at = now;
  }
  // A hair below one is one: 0.2 s at 5 a second is a whole token, whatever the doubles say.
  if (bucket.tokens < 1 - 1e-9) {
    ++bucket.suppressed;
    ++suppressed_;
    return std::nullopt;
  }
  bucket.tokens -= 1;
  return std::exchange(bucket.suppressed, 0);
}

std::vector<std::pair<std::string, std::uint64_t>> LogLimiter::take_suppressed() {
  std::vector<std::pair<std::string, std::uint64_t>> result;
  const MutexLock lock(mutex_);
  for (auto& entry : buckets_) {
    if (entry.second.suppressed == 0) continue;
    result.emplace_back(entry.first, std::exchange(entry.second.suppressed, 0));
  }
  return result;
}

std::uint64_t LogLimiter::suppressed() const {
  const MutexLock lock(mutex_);
  return suppressed_;
}

}  // namespace quoll::telemetry
