// Tunnel: what follows an upgrade (RFC 9110 section 7.8), passed both ways with back-pressure as bytes that mean
// nothing to the proxy. It ends when both sides have ended, when one breaks, or when nothing has moved for too long;
// one side's end is passed on, and the other has client_gap more.
//
// Loop-confined; lives as long as run().
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "quoll/proxy/data/session.h"

namespace quoll::proxy {

class Tunnel {
 public:
  // exchange.in and exchange.up hold what has come already.
  Tunnel(Session& session, net::Stream& upstream);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  net::Task<void> run();

 private:
  struct Way {
    net::Stream& from;
    net::Stream& to;
    Buffer& buffer;
    std::uint64_t bytes = 0;
  };
  net::Task<void> pump(Way& way, Way& other);
  net::Task<void> pump_up();
  net::Task<bool> fill(Way& way, Way& other);
  net::Task<bool> empty(Way& way);
  TimePoint patience_ends() const;
  void cut();

  Session& session_;
  Way up_;
  Way down_;
  TimePoint moved_at_;  // a byte, either way
  bool half_closed_ = false;
  bool cut_ = false;
  bool up_running_ = true;
  boost::asio::steady_timer::rebind_executor<net::Executor>::other up_ended_;
};

}  // namespace quoll::proxy
