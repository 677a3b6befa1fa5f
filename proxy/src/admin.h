// AdminServer: the control port, on a worker of its own, so that it answers while every other worker is blocked.
//
// A browser must not be talked into controlling a proxy: a request that carries an Origin must carry this server's own,
// and a Host that is a name other than localhost is refused (DNS rebinding).
//
// Loop-confined to the admin worker.
#pragma once

#include "pages.h"
#include "quoll/net/listener.h"
#include "sampler.h"

namespace quoll::proxy {

class AdminServer {
 public:
  AdminServer(net::Worker& worker, Pages& pages, EventHub& hub, Sampler& sampler)
      : worker_(worker), pages_(pages), hub_(hub), sampler_(sampler) {}

  // Serves one connection.
  net::Task<void> serve(net::TcpSocket socket);
  std::size_t connections() const { return connections_; }

  static constexpr std::size_t kMaxConnections = 256;

 private:
  net::Task<void> stream_events(net::StampedSocket& client, Exchange& exchange);
  net::Task<bool> serve_one(net::StampedSocket& client, Exchange& exchange);

  net::Worker& worker_;
  Pages& pages_;
  EventHub& hub_;
  Sampler& sampler_;
  std::size_t connections_ = 0;
};

// Whether a request may use the admin server, by its Host and Origin.
bool admin_request_allowed(const http::RequestHead& head);

}  // namespace quoll::proxy
