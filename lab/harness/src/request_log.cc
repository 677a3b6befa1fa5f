#include "quoll/lab/harness/request_log.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "quoll/base/file.h"
#include "quoll/lab/harness/text.h"

namespace quoll::lab::harness {

namespace {

constexpr std::size_t kMostBytes = 1U << 30U;

template <typename T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_time(std::string_view text, std::optional<TimePoint>& out) {
  if (text.empty()) return true;
  std::int64_t nanos = 0;
  if (!read_number(text, nanos)) return false;
  out = TimePoint(Duration(nanos));
  return true;
}

// id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error
bool read_line(std::string_view line, LoggedCall& call) {
  std::array<std::string_view, 9> fields;
  for (std::string_view& field : fields) field = cut_front(line, ',');
  call.id = std::string(fields[0]);
  call.error = std::string(fields[8]);
  return !call.id.empty() && read_time(fields[2], call.intended) && read_time(fields[3], call.sent) &&
         read_time(fields[5], call.done) && (fields[6].empty() || read_number(fields[6], call.status));
}

}  // namespace

Result<std::vector<LoggedCall>> parse_request_log(std::string_view csv) {
  std::vector<LoggedCall> calls;
  cut_front(csv, '\n');  // the header
  while (!csv.empty()) {
    const std::string_view line = cut_front(csv, '\n');
    if (line.empty()) continue;
    LoggedCall call;
    if (!read_line(line, call)) return Error{"not a line of a request log: '" + std::string(line) + "'", "csv"};
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<std::vector<LoggedCall>> read_request_log(const std::string& path) {
  const auto text = read_file(path, kMostBytes);
  if (!text) return text.error();
  return parse_request_log(*text);
}

}  // namespace quoll::lab::harness
