#include "quoll/telemetry/time_series.h"

#include <algorithm>
#include <cmath>

#include "quoll/base/assert.h"
#include "quoll/telemetry/json.h"

namespace quoll::telemetry {

TimeSeries::TimeSeries(std::vector<std::string> columns, std::size_t capacity)
    : columns_(std::move(columns)), capacity_(capacity) {
  QUOLL_ASSERT(!columns_.empty() && capacity_ > 0);
  times_.resize(capacity_);
  values_.resize(capacity_ * columns_.size());
}

// first_ and i are both at most capacity_, so one subtraction wraps.
std::size_t TimeSeries::place(std::size_t i) const {
  const std::size_t at = first_ + i;
  return at >= capacity_ ? at - capacity_ : at;
}

void TimeSeries::append(WallTime at, std::span<const double> row) {
  QUOLL_ASSERT(row.size() == columns_.size());
  const MutexLock lock(mutex_);
  while (size_ > 0 && times_[place(size_ - 1)] >= at) --size_;
  if (size_ == capacity_) {
    first_ = place(1);
    --size_;
  }
  const std::size_t free = place(size_);
  times_[free] = at;
  std::copy(row.begin(), row.end(), values_.begin() + static_cast<std::ptrdiff_t>(free * columns_.size()));
  ++size_;
}

TimeSeries::Slice TimeSeries::since(WallTime t) const {
  Slice slice;
  slice.values.resize(columns_.size());
  const MutexLock lock(mutex_);
  std::size_t skipped = size_;
  while (skipped > 0 && times_[place(skipped - 1)] > t) --skipped;
  slice.times.reserve(size_ - skipped);
  for (std::vector<double>& column : slice.values) column.reserve(size_ - skipped);
  for (std::size_t i = skipped; i < size_; ++i) {
    const std::size_t from = place(i);
    slice.times.push_back(times_[from]);
    for (std::size_t c = 0; c < columns_.size(); ++c) slice.values[c].push_back(values_[from * columns_.size() + c]);
  }
  return slice;
}

std::string TimeSeries::json_since(WallTime t) const {
  const Slice slice = since(t);
  return json_object([&](JsonWriter& out) {
    out.key("columns").begin_array();
    for (const std::string& column : columns_) out.value(column);
    out.end_array().key("times").begin_array();
    for (const WallTime time : slice.times) {
      const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
      out.fixed(static_cast<double>(ms) / 1e3, 3);
    }
    out.end_array().key("values").begin_array();
    for (const auto& column : slice.values) {
      out.begin_array();
      for (const double value : column) out.value(value);
      out.end_array();
    }
    out.end_array();
  });
}

std::size_t TimeSeries::size() const {
  const MutexLock lock(mutex_);
  return size_;
}

}  // namespace quoll::telemetry
