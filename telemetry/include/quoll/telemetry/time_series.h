// TimeSeries: the last fifteen minutes of a few numbers, for the live dashboard.
//
// A ring of rows, each a time and one double for each of a fixed set of named columns. A sampler appends a row a
// second; the ring keeps the last `capacity` rows (900: 15 minutes, 7 KiB a column). All memory is taken at
// construction. Prometheus keeps the long history; this works without it.
//
// Thread-safe: one short lock around an append or a copy; text is made outside it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "quoll/base/mutex.h"
#include "quoll/base/time.h"

namespace quoll::telemetry {

class TimeSeries {
 public:
  static constexpr std::size_t kDefaultCapacity = 900;

  // columns: at least one; capacity: at least one.
  explicit TimeSeries(std::vector<std::string> columns, std::size_t capacity = kDefaultCapacity);

  // `row` has one value for each column, in their order; NaN where there is none. Times ascend: after a step back of
  // the clock, the rows that now lie in the future are forgotten.
  void append(WallTime at, std::span<const double> row);

  struct Slice {
    std::vector<WallTime> times;              // ascending
    std::vector<std::vector<double>> values;  // one vector for each column, each as long as times
  };
  // The rows after `t`, oldest first; WallTime{} gives all.
  Slice since(WallTime t) const;
  // The same as JSON, column by column as uPlot takes it:
  // {"columns":["rps","p95"],"times":[1700000000.123],"values":[[12],[null]]}
  // Times are seconds since the epoch; NaN and infinities are null.
  std::string json_since(WallTime t) const;

  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t size() const;

 private:
  // Where the i-th oldest row lies.
  std::size_t place(std::size_t i) const QUOLL_REQUIRES(mutex_);

  const std::vector<std::string> columns_;
  const std::size_t capacity_;
  mutable Mutex mutex_;
  std::vector<WallTime> times_ QUOLL_GUARDED_BY(mutex_);
  std::vector<double> values_ QUOLL_GUARDED_BY(mutex_);  // row by row, beside times_
  std::size_t first_ QUOLL_GUARDED_BY(mutex_) = 0;       // the oldest row's place
  std::size_t size_ QUOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace quoll::telemetry
