#include "quoll/proxy/options.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <fstream>

#include "quoll/net/endpoint.h"

namespace quoll::proxy {
namespace {

class Faults {
 public:
  void range(const char* name, Duration value, Duration low, Duration high) {
    if (value >= low && value <= high) return;
    out_.push_back(fmt::format("{}: {} is out of range; it may be {} to {}", name, format_duration(value),
                               format_duration(low), format_duration(high)));
  }
  void range(const char* name, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    if (value >= low && value <= high) return;
    out_.push_back(fmt::format("{}: {} is out of range; it may be {} to {}", name, value, low, high));
  }
  template <typename T>
  void result(const char* name, const Result<T>& result) {
    if (!result) out_.push_back(fmt::format("{}: {}", name, result.error().message));
  }
  void add(std::string text) { out_.push_back(std::move(text)); }
  std::vector<std::string> take() { return std::move(out_); }

 private:
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> ProxyOptions::validate() const {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Faults faults;
  faults.result("listen", net::parse_host_port(listen));
  faults.result("admin", net::parse_host_port(admin));
  faults.result("upstream", parse_upstream(upstream));
  faults.range("workers", workers, 1, 256);
  faults.range("timeout", timeout, milliseconds(1), hours(1));
  faults.range("body_gap", body_gap, milliseconds(1), hours(1));
  faults.range("head_timeout", head_timeout, milliseconds(1), hours(1));
  faults.range("idle_timeout", idle_timeout, milliseconds(1), hours(24));
  faults.range("client_gap", client_gap, milliseconds(1), hours(1));
  faults.range("pool_idle", pool_idle, milliseconds(1), hours(1));
  faults.range("drain", drain, seconds(0), hours(1));
  faults.range("pool_size", pool_size, 0, 65'536);
  faults.range("max_connections", max_connections, 1, 1'000'000);
  faults.range("limits.head_bytes", limits.head_bytes, 1024, 1U << 20U);
  if (!fallback_file.empty() && !std::ifstream(fallback_file)) {
    faults.add(fmt::format("fallback: cannot read '{}'; give a readable file, or 'off'", fallback_file));
  }
  for (std::string& fault : breaker.validate()) faults.add("breaker: " + std::move(fault));
  for (std::string& fault : admission_control.validate()) faults.add("admission_control: " + std::move(fault));
  if (admission && !stamps) {
    faults.add("admission: on needs stamps: true; without them nobody knows how long a request has waited");
  }
  for (std::string& fault : policies.validate()) faults.add(std::move(fault));
  return faults.take();
}

Result<UpstreamUrl> parse_upstream(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return Error{
        fmt::format("'{}' is not an upstream: {}; write http://HOST:PORT, such as http://127.0.0.1:3001", url, why),
        "upstream"};
  };
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
  if (!parsed) return bad("it is not a URL");
  if (parsed->scheme() == "https") return bad("TLS to the upstream is not supported");
  if (parsed->scheme() != "http") return bad("the scheme must be http");
  if (parsed->encoded_host().empty()) return bad("the host is missing");
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return bad("only the host and the port are used");
  }
  if (!parsed->encoded_path().empty() && parsed->encoded_path() != "/") return bad("a path is not supported");
  if (parsed->has_port() && parsed->port_number() == 0) return bad("the port must be a number from 1 to 65535");
  UpstreamUrl out;
  out.host = std::string(parsed->host_address());
  out.port = parsed->has_port() ? parsed->port_number() : 80;
  out.authority = std::string(parsed->encoded_host_and_port());
  return out;
}

const char* to_string(VerdictKind kind) {
  return kind == VerdictKind::arrival ? "arrival" : "timer";
}

}  // namespace quoll::proxy
