// Options: what load to make, against what, for how long.
//
// Two ways of making load. A *closed loop* keeps `connections` requests in flight and sends the next one when an answer
// has come; it finds the highest throughput, and it hides stalls, because a server that stalls is asked nothing
// meanwhile (coordinated omission: Gil Tene, "How NOT to measure latency", 2013). An *open loop* (`rate` > 0) has a
// schedule that does not care what the server does; latency counts from the moment the schedule meant to send.
//
// Thread-compatible: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/time.h"

namespace quoll::lab::loadgen {

struct Header {
  std::string name;
  std::string value;
};

struct Options {
  // Where to: "http://host[:port][/path][?query]". Required. Only loopback unless allow_remote.
  std::string url;
  // Connections, over all threads. In an open loop: the most that may be open; they are opened as they are needed.
  // Default 50, range 1 to 100,000.
  std::size_t connections = 50;
  // The run ends after this long (after the warm-up) or after this many requests, whichever is first; with neither,
  // after 10 s. Range 1 ms to 24 h; 1 to 10^12.
  std::optional<Duration> duration = {};
  std::optional<std::uint64_t> requests = {};
  // Requests a second of an open loop, over all threads; 0 is a closed loop. Range 0 to 10^6.
  double rate = 0;
  // Open loop: exponential gaps (arrivals of many independent clients) instead of equal ones.
  bool poisson = false;
  // Open loop: requests that are due and have found no free connection wait here, at most so many over all threads.
  // One too many is not sent and counts as an error "unsent". Default 100,000, range 1 to 10^7 (16 bytes each).
  std::size_t backlog = 100'000;
  // Event loops, each on a thread of its own. Default 1, range 1 to 64 and at most `connections`.
  unsigned threads = 1;

  std::string method = "GET";
  // Sent with every request. Host replaces the URL's; Content-Length, Transfer-Encoding and Connection are refused.
  std::vector<Header> headers = {};
  // Sent with every request. At most 64 MiB.
  std::string body = {};
  // From handing the request to its connection (connecting included) to the answer's last byte. Default 5 s, range
  // 1 ms to 1 h.
  Duration timeout = std::chrono::seconds(5);
  // Requests meant to be sent in the first so much time are made but left out of the report. Default 0, up to 1 h.
  Duration warm_up = {};
  // A new connection for each request, with Connection: close.
  bool keep_alive = true;
  // When not empty, each request carries this field with the value "<id_prefix>-000001" and so on.
  std::string header_id = {};
  std::string id_prefix = "quoll";
  // Hold this many connections open: each does one request, then stays idle until the run is stopped (or for
  // `duration`). 0 is off; excludes rate, requests and warm_up; replaces `connections`. Range 0 to 100,000.
  std::size_t idle = 0;
  // The randomness of Poisson arrivals.
  std::uint64_t seed = 1;
  // Where each finished request goes as a line of CSV; empty is nowhere.
  std::string request_log = {};
  // Allows targets that are not this machine. A load generator aimed at others by mistake is an attack.
  bool allow_remote = false;

  // Every fault in the options, each a sentence that says what would be right; empty when they are valid. Resolves no
  // name: it does no I/O.
  std::vector<std::string> validate() const;
};

}  // namespace quoll::lab::loadgen
