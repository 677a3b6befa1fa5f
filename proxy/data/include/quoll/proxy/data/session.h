// What one exchange works with: the shared parts of the proxy, one worker's own, and the buffers that an exchange
// borrows while it lasts. A connection that waits for its next request holds none of these buffers.
//
// Shared is immutable or thread-safe; everything else is loop-confined.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/http/body.h"
#include "quoll/http/head.h"
#include "quoll/net/connector.h"
#include "quoll/net/worker.h"
#include "quoll/proxy/config/networks.h"
#include "quoll/proxy/config/options.h"
#include "quoll/proxy/data/admission_gate.h"
#include "quoll/proxy/data/buffer.h"
#include "quoll/proxy/data/call_gate.h"
#include "quoll/proxy/data/client_watch.h"
#include "quoll/proxy/data/date_cache.h"
#include "quoll/proxy/data/metrics.h"
#include "quoll/proxy/data/own_pages.h"
#include "quoll/proxy/data/request_id.h"
#include "quoll/proxy/data/route.h"
#include "quoll/proxy/data/turn_away.h"
#include "quoll/proxy/data/upstream_pool.h"

namespace quoll::proxy {

struct Shared {
  const ProxyOptions& options;
  Routes& routes;
  Metrics& metrics;
  AdmissionGate& admission;
  telemetry::Log& log;
  OwnPages& pages;
  std::uint64_t seed;                     // of what is random on the workers
  std::atomic<std::size_t>& connections;  // of all workers, those included that are about to be served
};

// What one request and its answer need.
struct Exchange {
  static constexpr std::size_t kFirst = 16 * 1024;  // a buffer's first size
  static constexpr std::size_t kBulk = 64 * 1024;   // for bodies that do not fit the first

  Buffer in;    // from the client: a head, then what follows it
  Buffer body;  // from the client: the rest of a body that did not come with its head
  Buffer up;    // from the upstream
  http::RequestHead request;
  http::ResponseHead response;
  std::string out;         // the head being written
  std::string repaired;    // the upstream's head, where it had to be mended
  TimePoint arrived_at{};  // of the request: its last bytes read so far
  TimePoint read_at{};     // when we read them

  void reset();
};

// An open client connection, as its worker sees it.
class OpenConnection : public boost::intrusive::list_base_hook<> {
 public:
  // The proxy is going away: a connection between two requests is closed, the others end after their answer.
  virtual void drain() = 0;
  // Once a second: whether the client of an exchange has left in a way that made no edge.
  virtual void look() = 0;

 protected:
  ~OpenConnection() = default;
};

// What a worker measures of one route.
struct RouteDurations {
  RouteDurations(telemetry::Registry& registry, const std::string& route);

  RequestHistograms server;
  RequestHistograms client;
};

struct WorkerState {
  WorkerState(net::Worker& worker, net::Connector& connector, const Shared& shared);

  TimePoint now() { return worker.loop().now(); }

  std::unique_ptr<Exchange> borrow();
  void give_back(std::unique_ptr<Exchange> exchange);

  net::Worker& worker;
  net::Connector& connector;
  const Shared& shared;
  unsigned shard;
  Rng trace_ids;
  DateCache date;
  const Networks proxy_protocol_from;
  std::deque<UpstreamPool> pools;         // by Route::pool
  std::vector<RouteDurations> durations;  // by Route::index
  std::deque<CallGate> gates;             // by Route::index
  bool draining = false;
  TurnAway turn_away;
  std::vector<std::unique_ptr<Exchange>> spare;
  boost::intrusive::list<OpenConnection> open;
};

// The two ends of a client's connection: who it comes from, by a PROXY header if there was one, and where it came in.
struct ClientEnds {
  net::TcpEndpoint remote;
  net::TcpEndpoint local;
};

// One exchange on one client connection.
struct Session {
  WorkerState& worker;
  net::Stream& client;
  Exchange& exchange;
  const ClientEnds& ends;
  std::string_view peer;                 // the client's address
  std::string_view forwarded_beginning;  // of what its upstream is told of it; see forwarded.h
  Route& route;
  ClientWatch& watch;
  RequestId request_id = {};

  const Shared& shared() const { return worker.shared; }
  const ProxyOptions& options() const { return worker.shared.options; }
  TimePoint now() const { return worker.now(); }
  UpstreamPool& pool() const { return worker.pools[route.pool]; }
  CallGate& gate() const { return worker.gates[route.index]; }
  RouteDurations& durations() const { return worker.durations[route.index]; }
};

}  // namespace quoll::proxy
