// MetricsPage: reads what /metrics answers (Prometheus text format 0.0.4), as far as an experiment needs it.
//
// Thread-compatible: a plain value. `read` blocks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/lab/harness/counts.h"

namespace quoll::lab::harness {

using Labels = std::map<std::string, std::string, std::less<>>;

struct MetricSample {
  std::string name;
  Labels labels;
  double value = 0;
};

class MetricsPage {
 public:
  // Of the part whose metrics are at that port of 127.0.0.1. Errors: as net::HttpClient and parse.
  static Result<MetricsPage> read(std::uint16_t port);
  // Comments are skipped. A line that is no sample is an error that quotes it.
  static Result<MetricsPage> parse(std::string_view text);

  // The sum of the samples of this name whose labels include all of these; nothing when there is none.
  std::optional<double> sum(std::string_view name, const Labels& labels = {}) const;
  // As sum, for counters: 0 when there is none.
  std::uint64_t count(std::string_view name, const Labels& labels = {}) const;
  // The sums by one label's value: {"success": 12, "timeout": 3}.
  CountMap counts_by(std::string_view name, std::string_view label) const;
  // The upper bound of the highest bucket of histogram `name` that has grown since `before`, over all label sets;
  // nothing when none has. The last bucket's bound is infinite.
  std::optional<double> highest_growth(std::string_view name, const MetricsPage& before) const;

  const std::vector<MetricSample>& samples() const { return samples_; }

 private:
  std::vector<MetricSample> samples_;
};

}  // namespace quoll::lab::harness
