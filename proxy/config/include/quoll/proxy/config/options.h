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
#include "quoll/proxy/config/spelled.h"
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

// Which fields tell the upstream of the client: X-Forwarded-For, -Proto and -Host, Forwarded (RFC 7239), or both.
enum class ForwardedKind : std::uint8_t { both, x_forwarded, rfc7239, off };

// A fallback's file is kept in memory.
inline constexpr std::size_t kMostFallbackBytes = 1U << 20U;

const char* to_string(VerdictKind kind);
const char* to_string(TraceKind kind);
const char* to_string(ForwardedKind kind);

// What may differ from one route to another: the upstream and how calls to it are made and judged.
struct RouteSettings {
  std::string upstream = "http://127.0.0.1:3001";
  Duration timeout = std::chrono::milliseconds(500);
  CallPolicyOptions policies;
  Duration body_gap = std::chrono::seconds(60);
  Duration tunnel_idle = std::chrono::hours(1);
  bool send_proxy = false;
  bool lenient_upstream = false;
  VerdictKind verdict = VerdictKind::arrival;
  core::BreakerOptions breaker;
  bool fallback = true;
  std::string fallback_file;                                                        // empty: the note
  std::vector<std::string> fallback_methods = {"GET", "HEAD", "OPTIONS", "TRACE"};  // empty: all

  static void describe(auto&& field) {
    using R = RouteSettings;
    using schema::Spelled;
    field("upstream", &R::upstream, schema::Form{"URL"},
          "The service that is protected: http://HOST[:PORT], without a path.");
    field("timeout", Spelled<R>{{"DUR|adaptive"}, spelled::timeout, spelled::timeout},
          "From the last byte of the request having left to the answer's head arriving, 1ms to 1h. Also the limit for "
          "connecting, which is counted apart.");
    field("body_gap", &R::body_gap, schema::within(std::chrono::milliseconds(1), std::chrono::hours(1)),
          "The longest gap in a body to or from upstream, counted while we wait for it; an event stream "
          "(text/event-stream) may be quiet for ever.");
    field("tunnel_idle", &R::tunnel_idle, schema::within(std::chrono::milliseconds(1), std::chrono::hours(24)),
          "How long a tunnel (a WebSocket) may carry nothing either way. Generous: TCP keep-alive finds dead ends "
          "sooner.");
    field("send_proxy", &R::send_proxy,
          "Begin each connection to the upstream with a PROXY header of version 2 that names the client; a connection "
          "then carries one request, for the next one may be another client's.");
    field("lenient_upstream", &R::lenient_upstream,
          "Mend what old servers send: lines that end with LF alone, folded fields, equal Content-Lengths, "
          "Transfer-Encoding in HTTP/1.0.");
    field("verdict", &R::verdict, schema::words_to(VerdictKind::timer),
          "How a timeout is judged: by the answer's arrival, or as others do by what the timer finds when it gets to "
          "run.");
    field(
        "fallback", Spelled<R>{{"on|off|FILE"}, spelled::fallback, spelled::fallback},
        "What a client gets when the call could not be made or failed: 200 with a JSON note, or a file of up to 1 MiB; "
        "off: 503, 504, 502 and the upstream's own 5xx.");
    field("fallback_methods", Spelled<R>{{"safe|all|LIST"}, spelled::fallback_methods, spelled::fallback_methods},
          "The methods that the fallback may answer; others get 503, 504, 502 or the upstream's own 5xx. safe: GET, "
          "HEAD, OPTIONS, TRACE, for a client that is answered 200 believes that a write was done.");
    field("", &R::policies, "");
    field("breaker", &R::breaker, schema::Without{{"shards"}},
          "When the circuit opens and closes: docs/policies/circuit-breaker.md.");
  }
};

// One route: the requests it takes, and its settings. Each has a circuit of its own, with its name.
struct RouteOptions : RouteSettings {
  std::string name = "default";
  std::string host;
  std::string path = "/";
  // The settings that are its own, by name; the others follow the proxy's.
  std::vector<std::string> own;

  static void describe(auto&& field) {
    using R = RouteOptions;
    field("name", &R::name, schema::Form{"NAME"},
          "Of the route and its circuit: 1 to 64 of a-z, 0-9, _ and -; default is the route that takes what no other "
          "takes.");
    field("host", &R::host, schema::Form{"HOST"}, "The requests for this host, without a port; none: for every host.");
    field("path", &R::path, schema::Form{"/PATH"},
          "The requests whose path is this one or lies below it: /orders takes /orders/1, not /orders2. The route with "
          "a host goes first, then the longest path. In the normal form of RFC 3986 section 6.2.2.");
    RouteSettings::describe(field);
  }
};

// RouteSettings are those of the route `default`, and what each other route has unless it says otherwise.
struct ProxyOptions : RouteSettings {
  std::string listen = "127.0.0.1:3000";
  std::string admin = "127.0.0.1:3900";
  unsigned workers = 1;
  PagesKind pages = PagesKind::by_listener;
  // With PagesKind::prefix: a path such as "/quoll", in normal form, without a slash at its end.
  std::string pages_prefix;
  bool stamps = true;

  bool admission = false;
  core::AdmissionOptions admission_control;
  std::string priority_header;

  bool allow_control = true;
  bool allow_pressure = false;
  telemetry::LogLevel log_level = telemetry::LogLevel::info;
  TraceKind trace = TraceKind::create;
  ForwardedKind forwarded = ForwardedKind::both;
  std::size_t trusted_hops = 0;
  std::string proxy_protocol_from;
  http::Limits limits;
  std::size_t max_connections = 20'000;
  Duration head_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(60);
  Duration client_gap = std::chrono::seconds(30);
  std::size_t min_rate = 500;
  std::size_t pool_size = 256;
  Duration pool_idle = std::chrono::seconds(30);
  Duration drain = std::chrono::seconds(10);

  // At most kMaxRoutes. Each is whole: what it takes from the proxy has been copied; see add_route.
  std::vector<RouteOptions> routes;
  static constexpr std::size_t kMaxRoutes = 4096;
  // Appends a route that has the proxy's settings.
  RouteOptions& add_route(std::string name, std::string path);
  // The route `default`.
  RouteOptions default_route() const;

  static void describe(auto&& field) {
    using P = ProxyOptions;
    using schema::Form, schema::Spelled, schema::within;
    using std::chrono::hours, std::chrono::milliseconds;
    field("listen", &P::listen, Form{"HOST:PORT"}, "Where clients connect; 0.0.0.0:3000 opens it to the network.");
    field("admin", &P::admin, Form{"HOST:PORT"},
          "Control, status and metrics. Keep it on loopback: who reaches it can open and close circuits.");
    RouteSettings::describe(field);
    field("workers", &P::workers, within(1, 256), "Event loops, each on a thread with its own listener.");
    field(
        "pages", Spelled<P>{{"auto|on|off|/PREFIX"}, spelled::pages, spelled::pages},
        "Quoll's own pages for clients: /circuit-status, /health, /metrics; also below a prefix such as /quoll. auto: "
        "on when listen is a loopback address. The admin port always has them.");
    field("stamps", &P::stamps,
          "Ask the kernel when bytes arrived. Without stamps an answer that was read late, because we were late, is "
          "inconclusive: false is for measuring what they cost.");
    field("admission", &P::admission,
          "Refuse requests when more come than this process can serve, by how long they waited in its sockets; needs "
          "stamps.");
    field("admission_control", &P::admission_control,
          "With admission, how long is too long: docs/policies/admission.md.");
    field("priority_header", Spelled<P>{{"FIELD"}, spelled::priority_header, spelled::priority_header},
          "The request's field that holds its priority, 0 (the most important) to 7; none: the route's holds. Only for "
          "clients that are trusted not to call everything important.");
    field("allow_control", &P::allow_control,
          "The admin port's POSTs may open, close and disable circuits. Off: the port only shows.");
    field("allow_pressure", &P::allow_pressure, "POST /pressure may block the event loops: for experiments only.");
    field("log_level", &P::log_level, schema::words_to(telemetry::LogLevel::off),
          "What is logged: JSON lines on standard error, text on a terminal.");
    field(
        "trace", &P::trace, schema::words_to(TraceKind::off),
        "What becomes of traceparent and tracestate. continue: a client's trace goes on, with a span for each attempt; "
        "create: and one begins here, sampled, where a client has none; off: the fields pass as they are.");
    field("forwarded", &P::forwarded, schema::words_to(ForwardedKind::off),
          "Which fields tell the upstream of the client: X-Forwarded-For, -Proto and -Host (x-forwarded), Forwarded "
          "(rfc7239), or both.");
    field(
        "trusted_hops", &P::trusted_hops, within(0, 100),
        "How many proxies in front of this one are trusted: their X-Forwarded-Proto and -Host go on, and the client's "
        "address is so many entries from the end of X-Forwarded-For. 0: the client is the connection's peer.");
    field("proxy_protocol_from", &P::proxy_protocol_from, Form{"NETWORKS"},
          "The proxies whose connections begin with a PROXY header, version 1 or 2, such as 10.0.0.0/8, ::1: all of "
          "theirs "
          "must, and nobody else's is read. none: no one's.");
    field("max_connections", &P::max_connections, within(1, 1'000'000),
          "Client connections at a time; more get a 503 and are closed at once.");
    field("head_timeout", &P::head_timeout, within(milliseconds(1), hours(1)),
          "A request's head must be complete this long after its first byte.");
    field("idle_timeout", &P::idle_timeout, within(milliseconds(1), hours(24)),
          "A client connection without a request is closed.");
    field("client_gap", &P::client_gap, within(milliseconds(1), hours(1)),
          "The longest time a client may take to send or to accept the next piece of a body.");
    field("min_rate", &P::min_rate, within(0, 1 << 30).zero_is("off"),
          "Bytes a second that a request's body must come at, on the average of the time spent waiting for the client, "
          "20 s "
          "of which are free, as in Apache httpd's mod_reqtimeout; else 408.");
    field("pool_size", &P::pool_size, within(0, 65'536).zero_is("none"),
          "Kept connections to an upstream, per worker.");
    field("pool_idle", &P::pool_idle, within(milliseconds(1), hours(1)), "How long they are kept without a request.");
    field("drain", &P::drain, within(Duration::zero(), hours(1)),
          "How long requests under way may take after SIGTERM.");
    field("limits", &P::limits, "Bounds on what clients send.");
  }

  // Every fault, each beginning with its setting's name: "timeout is 0; ...", "routes[2].path: ...". Empty when all is
  // well.
  std::vector<std::string> validate() const;
  // With the defaults moved that others were set past, of all policies and routes: what the proxy will go by.
  ProxyOptions resolved() const;
};

// "http://127.0.0.1:3001" in parts.
struct UpstreamUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string authority;  // as written: "127.0.0.1:3001"
};
Result<UpstreamUrl> parse_upstream(std::string_view url);

}  // namespace quoll::proxy
