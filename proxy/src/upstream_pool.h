// UpstreamPool: one worker's kept connections to one endpoint, the most recently used first.
//
// A peer may close a kept connection at any time. One that has rested for more than a second, or that is to carry a
// request that must not be sent twice, is looked at before it is given out; the rest is the caller's: a request that
// meets a closed connection before any byte of an answer is sent again on a new one, if it may be.
//
// Loop-confined.
#pragma once

#include <memory>
#include <vector>

#include "quoll/net/connect.h"

namespace quoll::proxy {

class UpstreamPool {
 public:
  struct Options {
    std::size_t size = 256;
    Duration idle = std::chrono::seconds(30);
  };
  UpstreamPool(net::TcpEndpoint endpoint, const Options& options) : endpoint_(endpoint), options_(options) {}

  // A kept connection, or null. `must_be_alive`: look at it, whatever its age.
  std::unique_ptr<net::StampedSocket> take(TimePoint now, bool must_be_alive);
  // Keeps a connection that is between two exchanges, and closes it when the pool is full.
  void give_back(std::unique_ptr<net::StampedSocket> socket, TimePoint now);
  // Closes those that have rested too long or that the peer has closed. Call it once a second.
  void reap(TimePoint now);
  void clear() { idle_.clear(); }

  const net::TcpEndpoint& endpoint() const { return endpoint_; }
  std::size_t idle() const { return idle_.size(); }

 private:
  struct Kept {
    std::unique_ptr<net::StampedSocket> socket;
    TimePoint since;
  };

  net::TcpEndpoint endpoint_;
  Options options_;
  std::vector<Kept> idle_;  // oldest first
};

}  // namespace quoll::proxy
