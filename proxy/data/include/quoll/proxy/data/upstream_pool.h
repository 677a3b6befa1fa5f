// UpstreamPool: one worker's kept connections to one endpoint, the most recently used first.
//
// A kept connection belongs to nobody's answer. A peer may close it at any time, and a faulty one may send bytes that
// nobody asked for: a second answer, the body of an answer to HEAD, a 408. Taken for the next request's answer they
// would hand one caller's data to another. Three rules keep them apart:
//
//   - A connection is watched while it rests: any byte or end spoils it at once.
//   - It is looked at once more when it is taken: what came while the loop was busy is seen, too.
//   - What came before the request's first byte left is not its answer (upstream_call.h).
//
// Bytes that cross with the request cannot be told from its answer. From then on each answer is the one before, and
// the last one lies in the socket as soon as the connection rests for as long as an answer takes. A connection that is
// taken again sooner, kMostUnrested times in a row, must therefore rest before it is taken once more; another one is
// used meanwhile. So no shift lasts for longer than that.
//
// A close that is seen too late is the caller's: a request that meets a closed connection before any byte of an answer
// is sent again on a new one, if it may be.
//
// Loop-confined, neither copied nor moved once a connection is kept.
#pragma once

#include <memory>
#include <vector>

#include "quoll/net/connector.h"
#include "quoll/telemetry/metrics.h"

namespace quoll::proxy {

class UpstreamPool;

// A connection to an upstream, lent by its pool or new, and what the pool has to know of it.
class UpstreamConnection {
 public:
  explicit UpstreamConnection(std::unique_ptr<net::Stream> stream) : stream_(std::move(stream)) {}

  net::Stream& stream() { return *stream_; }

 private:
  friend class UpstreamPool;
  std::unique_ptr<net::Stream> stream_;
  UpstreamPool* pool_ = nullptr;  // where it rests
  TimePoint rests_since_{};
  Duration keep_for_{};    // a rest longer than this ends it
  Duration due_rest_{};    // after this long without a byte no answer is under way any more
  unsigned unrested_ = 0;  // exchanges since it last rested for that long
};

class UpstreamPool {
 public:
  static constexpr unsigned kMostUnrested = 16;

  struct Options {
    std::size_t size = 256;
    Duration idle = std::chrono::seconds(30);
  };
  // `unasked` counts the connections closed for bytes that nobody asked for; it outlives the pool.
  UpstreamPool(net::TcpEndpoint endpoint, const Options& options, telemetry::Counter& unasked, unsigned shard)
      : endpoint_(endpoint), options_(options), unasked_(unasked), shard_(shard) {}

  // A kept connection that is open and silent, or null.
  std::unique_ptr<UpstreamConnection> take(TimePoint now);
  // Keeps a connection that is between two exchanges; closes it when the pool is full or when there are bytes in it.
  // `took`: the upstream's time for the last answer. `keep_for`: how long the upstream is known to keep it at least; a
  // shorter time than Options::idle holds instead of it.
  void give_back(std::unique_ptr<UpstreamConnection> connection, Duration took, Duration keep_for, TimePoint now);
  // Closes those that have rested too long, and those that were reset in the moment of their answer's last byte, which
  // makes no edge of its own. Call it once a second.
  void reap(TimePoint now);
  void clear() { idle_.clear(); }

  const net::TcpEndpoint& endpoint() const { return endpoint_; }
  std::size_t idle() const { return idle_.size(); }

 private:
  static void stirred(void* connection);
  // Whether nothing came, not even an end. Counts the bytes that did.
  bool quiet(UpstreamConnection& connection);

  net::TcpEndpoint endpoint_;
  Options options_;
  telemetry::Counter& unasked_;
  unsigned shard_;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;  // oldest first
};

}  // namespace quoll::proxy
