// RequestLog: one line of CSV for each finished request, in the order in which they finished (to a second, over
// several threads):
//
//   id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error
//
// Times are CLOCK_MONOTONIC in nanoseconds. What did not happen is empty: an unsent request has no connection, an
// answered one no error. `id` is what the id header carried, or the request's number.
//
// Thread-compatible.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "batch.h"
#include "quoll/base/result.h"

namespace quoll::lab::loadgen {

class RequestLog {
 public:
  // Creates or replaces the file. `prefix` is that of the ids; empty writes bare numbers.
  static Result<RequestLog> create(const std::string& path, std::string prefix);

  void write(const std::vector<LogRow>& rows);
  // Errors: what could not be written, then or earlier.
  Result<void> close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  RequestLog(std::FILE* file, std::string path, std::string prefix);

  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::string prefix_;
  int error_ = 0;  // errno of the first failure
};

}  // namespace quoll::lab::loadgen
