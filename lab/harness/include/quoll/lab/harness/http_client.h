// HttpClient: small blocking HTTP requests to the parts of an experiment, which all run on this machine.
//
// One connection a request, a limit on the time of the whole exchange and on the size of the answer. It is for control
// and observation (health, status, metrics); load is the load generator's business.
//
// Thread-safe: it holds nothing but the address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::harness {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

class HttpClient {
 public:
  // A longer answer is an error. Ground truth of a long run is the largest thing asked for.
  static constexpr std::size_t kMaxAnswer = 256U << 20U;

  // host: a numeric address. timeout: for a whole exchange, default 2 s.
  HttpClient(std::string host, std::uint16_t port, Duration timeout = std::chrono::seconds(2));

  // Any status is an answer. Errors: "connect", "timeout", "protocol", "system"; the message names the URL.
  Result<HttpAnswer> get(std::string_view path) const;
  Result<HttpAnswer> post(std::string_view path, std::string_view json) const;
  // As get, but anything else than 200 is an error ("status") that quotes the answer.
  Result<std::string> get_ok(std::string_view path) const;

  std::string url(std::string_view path) const;

 private:
  Result<HttpAnswer> exchange(std::string_view method, std::string_view path, std::string_view body) const;

  std::string host_;
  std::uint16_t port_;
  Duration timeout_;
};

}  // namespace quoll::lab::harness
