// The log that `quoll load --requests-log` writes: one call a line.
//
// Thread-safe: plain values and free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::harness {

struct LoggedCall {
  std::string id;
  std::optional<TimePoint> intended = {};  // when it was due
  std::optional<TimePoint> sent = {};
  std::optional<TimePoint> done = {};
  unsigned status = 0;  // 0: no answer
  std::string error = {};
};
// Errors: "csv", with the line.
Result<std::vector<LoggedCall>> parse_request_log(std::string_view csv);
// As parse_request_log, of a file. Errors also: "file".
Result<std::vector<LoggedCall>> read_request_log(const std::string& path);

}  // namespace quoll::lab::harness
