#include "request_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "request_template.h"

namespace quoll::lab::loadgen {

namespace {

Error failed(const std::string& path, int error) {
  return Error{"request log '" + path + "': " + std::generic_category().message(error), "file"};
}

void append_time(std::string& out, TimePoint time) {
  if (time != TimePoint{}) fmt::format_to(std::back_inserter(out), "{}", time.time_since_epoch().count());
  out += ',';
}

}  // namespace

RequestLog::RequestLog(std::FILE* file, std::string path, std::string prefix)
    : file_(file), path_(std::move(path)), prefix_(std::move(prefix)) {}

Result<RequestLog> RequestLog::create(const std::string& path, std::string prefix) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return failed(path, errno);
  std::fputs("id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error\n", file);
  return RequestLog(file, path, std::move(prefix));
}

void RequestLog::write(const std::vector<LogRow>& rows) {
  if (rows.empty() || error_ != 0) return;
  std::string out;
  auto append = std::back_inserter(out);
  for (const LogRow& row : rows) {
    if (prefix_.empty()) {
      fmt::format_to(append, "{}", row.number);
    } else {
      append_id(out, prefix_, row.number);
    }
    out += ',';
    if (row.connection != 0) fmt::format_to(append, "{}", row.connection);
    out += ',';
    append_time(out, row.intended);
    append_time(out, row.sent);
    append_time(out, row.first_byte);
    append_time(out, row.done);
    if (row.status != 0) {
      fmt::format_to(append, "{},{},\n", row.status, to_string(row.fallback));
    } else {
      fmt::format_to(append, ",,{}\n", to_string(row.error));
    }
  }
  if (std::fwrite(out.data(), 1, out.size(), file_.get()) != out.size()) error_ = errno;
}

Result<void> RequestLog::close() {
  if (std::fclose(file_.release()) != 0 && error_ == 0) error_ = errno;
  if (error_ != 0) return failed(path_, error_);
  return {};
}

}  // namespace quoll::lab::loadgen
