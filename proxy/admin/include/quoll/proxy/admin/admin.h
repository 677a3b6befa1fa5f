// AdminServer: the control port, on a worker of its own, so that it answers while every other worker is blocked.
//
// A browser must not be talked into controlling a proxy: a request that carries an Origin must carry this server's own
// and no second one, a browser that says where a request comes from (Sec-Fetch-Site) must say from here, and a Host
// that is a name other than localhost is refused (DNS rebinding).
//
// Nor must it be locked out: a connection that has sent nothing is closed after a few seconds, and when there are
// kMaxConnections the one that has waited longest for a request makes room for a new one.
//
// Loop-confined to the admin worker.
#pragma once

#include "quoll/net/listener.h"
#include "quoll/net/stamped_socket.h"
#include "quoll/proxy/admin/pages.h"
#include "quoll/proxy/live/sampler.h"

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
  // In waiting_ while it has no request under way.
  struct Connection : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Connection(net::Loop& loop, net::TcpSocket socket) : client(loop, std::move(socket)) {}

    net::StampedSocket client;
    bool served = false;   // a request before
    bool evicted = false;  // closed to make room; not counted any more
  };
  using Waiting = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  // False when there is no room and nobody waits.
  bool make_room();
  void wait(Connection& connection);
  net::Task<void> stream_events(net::Stream& client, Exchange& exchange);
  net::Task<bool> serve_one(Connection& connection, Exchange& exchange);
  net::Task<bool> refuse(Connection& connection, Exchange& exchange, unsigned status, std::string_view message,
                         bool head_only);

  net::Worker& worker_;
  Pages& pages_;
  EventHub& hub_;
  Sampler& sampler_;
  std::size_t connections_ = 0;
  Waiting waiting_;  // who has waited longest first
  TurnAway turn_away_;
};

// Whether a request may use the admin server, by its Host, its Origin and where a browser says that it comes from.
bool admin_request_allowed(const http::RequestHead& head);

}  // namespace quoll::proxy
