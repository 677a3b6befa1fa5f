// LogLimiter: a token bucket for each event, and a count of what it withheld.
//
// At most kMaxKeys events are told apart; later ones share a bucket, so memory is bounded whatever is used as a key.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"

namespace quoll::telemetry {

class LogLimiter {
 public:
  static constexpr std::size_t kMaxKeys = 1024;

  // burst: the bucket's size, 1 or more, or 0 for no limit; per_second: tokens a second.
  LogLimiter(double burst, double per_second);

  // Nothing when the line is to be withheld; otherwise how many lines of this key were withheld since the last one let
  // through.
  std::optional<std::uint64_t> admit(std::string_view key, TimePoint now);
  // Keys with withheld lines that admit() has not reported, and forgets those counts.
  std::vector<std::pair<std::string, std::uint64_t>> take_suppressed();
  // All lines ever withheld.
  std::uint64_t suppressed() const;

 private:
  struct Bucket {
    double tokens = 0;
    TimePoint filled_at{};
    std::uint64_t suppressed = 0;
  };
  Bucket& bucket(std::string_view key, TimePoint now) QUOLL_REQUIRES(mutex_);

  const double burst_;
  const double per_second_;
  mutable Mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_ QUOLL_GUARDED_BY(mutex_);
  std::uint64_t suppressed_ QUOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace quoll::telemetry
