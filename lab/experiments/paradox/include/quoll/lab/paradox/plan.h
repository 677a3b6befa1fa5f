// The paradox's plan: which caller meets which pressure and which backend, and for how long.
//
// A *cell* is one caller under one pressure before one backend. The cells of a pressure and a backend form a *group*:
// its callers get the same load and the same seed one after another, and are compared with each other.
//
// Thread-safe: plain values and free functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"

namespace quoll::lab::paradox {

enum class Caller : std::uint8_t {
  quoll_arrival,
  quoll_timer,
  node,              // express and opossum
  node_quoll,        // the same server, with the Node package of this repository for opossum
  node_quoll_fetch,  // that, with fetch for http.get
  go,
  nginx,
  haproxy,
  caddy,
};
inline constexpr std::array<Caller, 9> kCallers = {Caller::quoll_arrival, Caller::quoll_timer,      Caller::node,
                                                   Caller::node_quoll,    Caller::node_quoll_fetch, Caller::go,
                                                   Caller::nginx,         Caller::haproxy,          Caller::caddy};

enum class Pressure : std::uint8_t {
  none,
  loop100,  // the event loop blocked for 100 ms every 1 to 2 s
  loop600,  // for 600 ms
  quota,    // 20 % of a CPU, shared with a neighbour that spins
  cores,    // every core burnt at the caller's own priority
  pause,    // SIGSTOP for 300 ms every 1 to 2 s
};
inline constexpr std::array<Pressure, 6> kPressures = {Pressure::none,  Pressure::loop100, Pressure::loop600,
                                                       Pressure::quota, Pressure::cores,   Pressure::pause};

enum class Backend : std::uint8_t {
  steady,    // healthy, 40 to 80 ms, against a deadline of 100 ms
  edge,      // 60 to 120 ms against 100 ms: a third of the answers is late
  wide,      // healthy, 100 to 300 ms, against 500 ms
  unstable,  // quoll backend's defaults, against 500 ms
  outage,    // as steady, but hangs in the middle
};
inline constexpr std::array<Backend, 5> kBackends = {Backend::steady, Backend::edge, Backend::wide, Backend::unstable,
                                                     Backend::outage};

// The words of the command line: "quoll", "quoll-timer", "node"; "quota"; "steady".
std::string_view to_string(Caller caller);
std::string_view to_string(Pressure pressure);
std::string_view to_string(Backend backend);
// As people say it: "Node + opossum"; "CPU quota 20 % + busy neighbour"; "healthy, 40-80 ms".
std::string_view title(Caller caller);
std::string_view title(Pressure pressure);
std::string_view title(Backend backend);

bool is_quoll(Caller caller);
// Runs bench/peers/callers/node/server.js.
bool is_node(Caller caller);
// Has something that opens.
bool has_breaker(Caller caller);
// Only some callers have a loop that can be asked to block.
bool applies(Pressure pressure, Caller caller);

// The settings of the load and of the callers before a backend.
struct Setting {
  Duration deadline{};
  unsigned connections = 32;
  // Calls a second, at random moments; 0: each connection waits for its answer before it asks again. Callers are only
  // comparable over an outage when an open breaker does not make them ask a hundred times as often.
  unsigned rate = 0;
  std::vector<std::string> arguments = {};  // of quoll backend
};
Setting setting_of(Backend backend);

// The breaker, alike in all callers that have one. Shorter than the product's defaults, so that a cell of some seconds
// holds several windows.
inline constexpr Duration kWindow = std::chrono::seconds(2);
inline constexpr Duration kReset = std::chrono::seconds(1);
inline constexpr double kThreshold = 0.5;

struct Group {
  Pressure pressure = Pressure::none;
  Backend backend = Backend::steady;
  Duration length{};
  std::uint64_t requests = 0;  // instead of the length, unless 0
  std::vector<Caller> callers = {};
};

struct Choice {
  // Asked for by name; empty: the default plan's. With both pressures and backends named, every pair of them.
  std::vector<Caller> callers = {};
  std::vector<Pressure> pressures = {};
  std::vector<Backend> backends = {};
  std::uint64_t requests = 0;  // per cell; 0: by time. An outage always goes by time.
  std::optional<Duration> length = {};
};
// Groups without a caller are left out.
std::vector<Group> make_plan(const Choice& choice, bool quick = false);
// How long it will take, with starting and stopping; a guess when it goes by requests.
Duration expected(const std::vector<Group>& plan);

// "a,b" as the words above; the error lists those there are.
Result<std::vector<Caller>> parse_callers(std::string_view list);
Result<std::vector<Pressure>> parse_pressures(std::string_view list);
Result<std::vector<Backend>> parse_backends(std::string_view list);

}  // namespace quoll::lab::paradox
