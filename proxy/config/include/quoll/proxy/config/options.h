// ProxyOptions: everything a proxy is told, with defaults that reproduce the experiment.
//
// Thread-compatible: a plain value. The running proxy keeps its own copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/core/admission.h"
#include "quoll/core/breaker_options.h"
#include "quoll/http/head.h"
#include "quoll/proxy/config/policy_options.h"
#include "quoll/telemetry/log.h"

namespace quoll::proxy {

// How a timeout is judged.
enum class VerdictKind : std::uint8_t {
  arrival,  // by the kernel's arrival stamp
  timer,    // by whatever the timer says when it gets to run: the conventional way, for comparison
};

// Whether Quoll's own pages are on the clients' port. They hide the upstream's own of the same paths, and tell who
// asks.
enum class PagesKind : std::uint8_t {
  by_listener,  // on when `listen` is a loopback address, else off
  on,
  off,
  prefix,  // below ProxyOptions::pages_prefix: "/quoll/health"
};

// What becomes of W3C Trace Context's fields (traceparent, tracestate) on their way to the upstream.
enum class TraceKind : std::uint8_t {
  create,  // the client's trace goes on, each attempt a span of its own; without one, a sampled trace begins here
  continue_only,  // the client's trace goes on; without one, the upstream gets none
  off,            // the fields pass as they are
};

// A fallback's file is kept in memory.
inline constexpr std::size_t kMostFallbackBytes = 1U << 20U;

// What may differ from one route to another: the upstream and how calls to it are made and judged.
struct RouteSettings {
  // The service that is protected: http://HOST[:PORT], without a path.
  std::string upstream = "http://127.0.0.1:3001";
  // From "the last byte of the request left" to "the answer's head arrived". Also the limit for connecting, which is
  // counted apart. Default 500 ms; range 1 ms to 1 h.
  Duration timeout = std::chrono::milliseconds(500);
  // What bounds calls beside it, such as a timeout that is learned instead.
  CallPolicyOptions policies;
  // The longest gap in a body to or from upstream, counted while we wait for it; an event stream (text/event-stream)
  // may be quiet for ever. Default 60 s; range 1 ms to 1 h.
  Duration body_gap = std::chrono::seconds(60);
  // How long a tunnel (a WebSocket) may carry nothing either way. Generous: TCP keep-alive finds those whose other end
  // is no more. Default 1 h; range 1 ms to 24 h.
  Duration tunnel_idle = std::chrono::hours(1);
  VerdictKind verdict = VerdictKind::arrival;
  core::BreakerOptions breaker;
  // What a client gets when the call could not be made or failed: an answer of 200 with a JSON note, or the contents of
  // a file, or (off) 503, 504, 502 and the upstream's own 5xx.
  bool fallback = true;
  std::string fallback_file;  // empty: the note
  // The requests that the fallback may answer; the others get 503, 504, 502 or the upstream's own 5xx. Default: the
  // safe methods (RFC 9110 section 9.2.1), for whoever is answered 200 believes that a write was done. Empty: all.
  std::vector<std::string> fallback_methods = {"GET", "HEAD", "OPTIONS", "TRACE"};
};

// One route: the requests it takes, and its settings. Each has a circuit of its own, with its name.
struct RouteOptions : RouteSettings {
  // 1 to 64 of a-z, 0-9, "_" and "-"; "default" is the name of the route that takes what no other takes.
  std::string name = "default";
  // The requests for this host, without a port; empty: for every host.
  std::string host;
  // And whose path is this one or lies below it: "/orders" takes "/orders" and "/orders/1", not "/orders2". Of several
  // routes the one with a host goes first, then the longest path. In the normal form of RFC 3986 section 6.2.2.
  std::string path = "/";
  // The settings that are its own, by name; the others follow the proxy's.
  std::vector<std::string> own;
};

// RouteSettings are those of the route `default`, and what each other route has unless it says otherwise.
struct ProxyOptions : RouteSettings {
  // Where clients connect. Default loopback; 0.0.0.0:3000 opens it to the network.
  std::string listen = "127.0.0.1:3000";
  // Control, status and metrics. Keep it on loopback: who reaches it can open and close circuits.
  std::string admin = "127.0.0.1:3900";
  // Event loops, each on a thread. Default 1; range 1 to 256.
  unsigned workers = 1;

  // Quoll's own pages for clients: /circuit-status, /health, /metrics. The admin port always has them.
  PagesKind pages = PagesKind::by_listener;
  std::string
      pages_prefix;  // with PagesKind::prefix: a path such as "/quoll", in normal form, without a slash at its end

  // Ask the kernel when bytes arrived. Default true. Without stamps an answer that was read late, because we were late,
  // is inconclusive; false is for measuring what stamps cost.
  bool stamps = true;

  // Refuse requests when more come than this process can serve, by how long they waited in its sockets; needs stamps.
  bool admission = false;
  core::AdmissionOptions admission_control;
  // The request's field that holds its priority, 0 (the most important) to 7; empty: the route's holds. Only for
  // clients that are trusted not to call everything important.
  std::string priority_header;

  // The admin port's POSTs may open, close and disable the circuit. Off: the port only shows.
  bool allow_control = true;
  // POST /pressure may block the event loops: for experiments only.
  bool allow_pressure = false;
  telemetry::LogLevel log_level = telemetry::LogLevel::info;

  TraceKind trace = TraceKind::create;

  // Limits on what clients control.
  http::Limits limits;
  // Client connections at a time; more get a 503 and are closed at once. Default 20,000; range 1 to 1,000,000.
  std::size_t max_connections = 20'000;
  // A request's head must be complete this long after its first byte. Default 10 s.
  Duration head_timeout = std::chrono::seconds(10);
  // A connection without a request is closed. Default 60 s.
  Duration idle_timeout = std::chrono::seconds(60);
  // The longest time a client may take to send or to accept the next piece of a body. Default 30 s.
  Duration client_gap = std::chrono::seconds(30);
  // Bytes a second that a request's body must come at, on the average of all the time that was spent waiting for the
  // client, but for 20 s of it; else 408. Default 500, as Apache httpd's mod_reqtimeout has it; 0 is off; range 0 to
  // 1 GiB.
  std::size_t min_rate = 500;

  // Kept connections to the upstream, per worker. Default 256 for 30 s.
  std::size_t pool_size = 256;
  Duration pool_idle = std::chrono::seconds(30);
  // After SIGTERM, requests under way may take this long. Default 10 s.
  Duration drain = std::chrono::seconds(10);

  // At most kMaxRoutes. Each is whole: what it takes from the proxy has been copied; see add_route.
  std::vector<RouteOptions> routes;
  static constexpr std::size_t kMaxRoutes = 4096;
  // Appends a route that has the proxy's settings.
  RouteOptions& add_route(std::string name, std::string path);
  // The route `default`.
  RouteOptions default_route() const;

  // Every fault, each after the name of its setting: "timeout: 0 is ...", "routes[2].path: ...". Empty when all is
  // well.
  std::vector<std::string> validate() const;
};

// "http://127.0.0.1:3001" in parts.
struct UpstreamUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string authority;  // as written: "127.0.0.1:3001"
};
Result<UpstreamUrl> parse_upstream(std::string_view url);

const char* to_string(VerdictKind kind);

}  // namespace quoll::proxy
