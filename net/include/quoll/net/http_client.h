// HttpClient: small blocking HTTP/1.1 requests, for control and observation: health, status, metrics.
//
// One connection a request, a limit on the time of the whole exchange and on the size of the answer. Not for a worker,
// which must not block, and not for load.
//
// Thread-safe: it holds nothing but where to ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "quoll/base/result.h"
#include "quoll/base/stop_signal.h"
#include "quoll/base/time.h"

namespace quoll::net {

struct HttpAnswer {
  unsigned status = 0;
  std::string body = {};
};

struct HttpClientOptions {
  // For a whole exchange, resolving the host not counted. Default 2 s.
  Duration timeout = std::chrono::seconds(2);
  // A longer body is an error. Default 256 MiB: ground truth of a long run is the largest thing asked for.
  std::size_t most_bytes = 256U << 20U;
  // Ends the exchange when it is requested; outlives the client. Default: nothing does.
  const StopSignal* stop = nullptr;
};

class HttpClient {
 public:
  // host: a name or an address, without brackets.
  HttpClient(std::string host, std::uint16_t port, HttpClientOptions options = {});

  // Any status is an answer. Errors: "resolve", "connect", "timeout", "protocol", "stopped", "system"; the message
  // names the URL.
  Result<HttpAnswer> get(std::string_view path) const;
  Result<HttpAnswer> post(std::string_view path, std::string_view json) const;
  // As get, but anything else than 200 is an error ("status") that quotes the answer.
  Result<std::string> get_ok(std::string_view path) const;

  std::string url(std::string_view path) const;

 private:
  Result<HttpAnswer> exchange(const char* method, std::string_view path, std::string_view body) const;

  std::string host_;
  std::uint16_t port_;
  HttpClientOptions options_;
};

}  // namespace quoll::net
