// Proxy: the data plane, assembled: workers with their listeners, one circuit, the admin server, the monitors.
//
//   auto proxy = Proxy::create(options);
//   if (!proxy) ...                        // every fault of the options, or the address that is taken
//   (*proxy)->start();
//   ... wait for a signal ...
//   (*proxy)->stop();                      // drains, then joins every thread
//
// Thread-compatible: create, start and stop belong to one thread. `stop` is also what the destructor does.
#pragma once

#include <memory>

#include "quoll/base/result.h"
#include "quoll/net/endpoint.h"
#include "quoll/proxy/config/options.h"

namespace quoll::proxy {

class Proxy {
 public:
  // Validates, resolves the upstream, and binds all sockets. The seed drives the breaker's jitter.
  static Result<std::unique_ptr<Proxy>> create(const ProxyOptions& options, std::uint64_t seed);
  ~Proxy();

  void start();
  // Stops accepting, closes idle connections, gives requests under way options.drain, then ends. True when all of them
  // had finished.
  bool stop();

  // Thread-safe; lives as long as the proxy.
  telemetry::Log& log();

  // With the ports that were found where 0 was asked for.
  net::TcpEndpoint listen_endpoint() const;
  net::TcpEndpoint admin_endpoint() const;

 private:
  struct Impl;
  explicit Proxy(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace quoll::proxy
