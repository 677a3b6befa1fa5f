// Server: an HTTP/1.1 backend that fails and delays as told, and keeps ground truth.
//
//   GET  /api/data  and any other path: {"message","timestamp","id"}, treated as the behaviour says
//   ANY  /count     reads a body of any size and answers {"bytes":N}; treated as the behaviour says
//   GET  /bytes/N   answers N bytes, streamed; treated as the behaviour says
//   GET  /health    {"status":"ok","mode":..}              always answered, at once
//   GET  /metrics   Prometheus text                        always answered, at once
//   GET  /control   the behaviour in force                 always answered, at once
//   POST /control   changes it (parse_change); 400 says what is wrong
//   GET  /truth     NDJSON (truth.h); ?since=N leaves out records before number N. The field Quoll-Truth-Dropped counts
//                   records lost to the bound, Quoll-Truth-Next is the `since` that continues from here
//   DELETE /truth   forgets the records
//
// In mode refuse nothing is reached on the main port. So there may be a second, `control` listener that serves the
// last six lines in every mode; without it, POST /control takes mode refuse only with "for".
//
// In force is: a change with "for" while it lasts, else the script's step on top of the base, else the base. A
// change without "for" alters the base, and if it names a mode the script stops.
//
// One thread and one epoll loop on purpose: a request costs a few microseconds, so that truth stays exact while
// something else burns the machine, and no lock can distort what is measured. A client that closes or half-closes its
// connection has left. Bodies are read and counted, never kept.
//
// `run` is for one thread; `stop` may be called from any thread; the ports never change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/stop_signal.h"
#include "quoll/lab/backend/behaviour.h"
#include "quoll/lab/backend/script.h"

namespace quoll::lab::backend {

// The time that requests in progress are given after stop(); requests that hang are given none.
inline constexpr Duration kDrain = std::chrono::milliseconds(900);
// The largest body that POST /control takes.
inline constexpr std::size_t kMaxControlBytes = 65536;

// Something that a log or a chart should show.
struct Event {
  enum class Kind : std::uint8_t { listening, behaviour, warning, stopping, stopped };
  Kind kind{};
  TimePoint at;
  std::string text;  // for people; for `behaviour` the reason: "script: 20s fail", "control", "control over"
  Behaviour behaviour;
};
const char* to_string(Event::Kind kind);

struct Options {
  // HOST:PORT; port 0 takes any free one. Default 127.0.0.1:3001.
  std::string listen = "127.0.0.1:3001";
  // A second listener for the control endpoints only. Default empty: none.
  std::string control = {};
  Behaviour behaviour = {};
  std::optional<Script> script = {};
  // Of failures, delays. Two runs with the same seed and the same order of requests decide alike.
  std::uint64_t seed = 1;
  // Records of ground truth kept. Default 200,000, range 1 to 10^7.
  std::size_t truth = 200'000;
  // A connection that is idle, or makes no progress while it sends or receives, is closed after this. Default 75 s,
  // range 1 s to 24 h. Waiting for our own answer does not count.
  Duration keep_alive_timeout = std::chrono::seconds(75);
  // More than this wait in the accept queue. Default 20,000, range 1 to 1e6; the limit on descriptors is raised as far
  // as allowed, and binds, too.
  std::size_t max_connections = 20'000;
  // Called on run()'s thread; must not block. May be empty.
  std::function<void(const Event&)> on_event = {};

  // Every fault; empty when valid.
  std::vector<std::string> validate() const;
};

class Server {
 public:
  // Binds the listeners. Errors: "bad_options" (every fault, a line each), "address", "resolve", "port_in_use" (names
  // the port), "system".
  static Result<std::unique_ptr<Server>> open(Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The ports bound; control_port is 0 without a control listener.
  std::uint16_t port() const;
  std::uint16_t control_port() const;

  // Serves until stop(); then in-progress requests get kDrain. The script's clock starts here.
  Result<void> run();
  // Any thread, and a signal handler, may request it.
  StopSignal& stop_signal();
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoll::lab::backend
