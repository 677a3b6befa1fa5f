// Server::Impl: the loop, its connections and what they share. Private to this module.
//
// server.cc has the life of the loop and of the listeners, exchange.cc the life of one request, routes.cc what is
// answered. Everything is confined to the thread in run(), except `stop`.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "io.h"
#include "metrics.h"
#include "quoll/http/body.h"
#include "quoll/http/head.h"
#include "quoll/lab/backend/server.h"
#include "quoll/lab/backend/truth.h"
#include "quoll/net/stamped_read.h"
#include "schedule.h"

namespace quoll::lab::backend {

enum class Route : std::uint8_t { data, count, bytes, health, metrics, control, truth };

// The part of a request that outlives its head's bytes.
struct Request {
  Route route = Route::data;
  bool always_answered = false;  // health, metrics, control, truth: the behaviour does not touch them
  bool head_only = false;        // HEAD: no body in the answer
  bool keep_alive = true;
  bool chunks_allowed = true;  // HTTP/1.1
  std::string method;
  std::string path;  // without the query
  std::string query;
  std::string id;
  std::string body;              // of POST /control only
  std::uint64_t body_bytes = 0;  // of any
  std::uint64_t number = 0;      // the N of /bytes/N
  TimePoint received{};
  // The decision, for requests that the behaviour governs.
  Mode mode = Mode::answer;
  Plan plan;
  std::uint64_t record = 0;  // its number in the truth log
  bool counted = false;      // is among those in progress
};

struct Answer {
  unsigned status = 200;
  std::string type = "application/json";
  std::string fields;       // further fields, each with its line break
  std::string text;         // the body, or
  std::uint64_t zeros = 0;  // so many bytes, or
  bool truth = false;       // the records from `truth_next` on
  std::uint64_t truth_next = 0;
  std::uint64_t truth_end = 0;

  std::uint64_t length() const { return text.size() + zeros; }
};

struct Connection {
  enum class State : std::uint8_t {
    reading_head,
    reading_body,
    waiting,   // for the answer to be due, or for the next byte to drip
    hanging,   // for ever
    writing,   //
    lingering  // we are done; what the peer still sends is thrown away, so that it gets our last bytes
  };

  Fd fd;
  std::uint32_t serial = 0;  // tells this connection from earlier ones with the same descriptor
  bool on_control_port = false;
  State state = State::reading_head;
  bool readable = false;
  bool peer_closed = false;
  bool queued = false;    // has more to do in the next turn
  bool in_ready = false;  // `in` may hold a whole request
  bool close_after = false;
  TimePoint active_at{};     // the last progress; for the idle timeout
  TimePoint last_arrival{};  // of the last bytes received
  TimePoint due{};           // while waiting

  std::string in;  // received, not yet used
  http::HeadScan scan;
  http::BodyReader body;
  Request request;

  Answer answer;
  std::string out;  // head, chunk framing, text: to be sent before the zeros
  std::size_t out_at = 0;
  std::uint64_t text_at = 0;  // of answer.text: moved to `out`
  std::uint64_t cut = 0;      // mode truncate: body bytes that will never be sent
  bool dripping = false;
};

struct Server::Impl {
  explicit Impl(Options options_in);
  Result<void> open();
  Result<void> run();

  // server.cc
  Result<void> listen_main();
  void accept_from(Fd& listener, bool control);
  void add_connection(Fd fd, bool control);
  void on_event(const epoll_event& event);
  void fire_timers(TimePoint now);
  void run_queued();
  void apply_schedule(TimePoint now);
  void start_refusing();
  void sweep(TimePoint now);
  void begin_stop(TimePoint now);
  TimePoint next_wake(TimePoint now) const;
  Connection* find(std::uint64_t tag);
  void queue(Connection& c);
  void close(Connection& c, bool reset);
  void emit(Event::Kind kind, std::string text);

  // exchange.cc. Those that return bool say whether the connection is still there and can go on at once.
  void drive(Connection& c);
  bool read_input(Connection& c, int& budget);
  std::string_view feed(Connection& c, std::string_view bytes);
  void begin_request(Connection& c);
  void malformed(Connection& c, unsigned status, std::string_view message);
  void received(Connection& c);
  void wait_until(Connection& c, TimePoint due);
  void due(Connection& c);
  void start_answer(Connection& c, Answer answer);
  bool flush(Connection& c);
  bool refill(Connection& c);
  void finish(Connection& c, End end, std::optional<TimePoint> sending, std::optional<TimePoint> answered);
  bool discard(Connection& c, int& budget);
  void client_left(Connection& c);

  // routes.cc
  void route(Connection& c, std::string_view target);
  Answer always_answer(Connection& c);
  Answer control_answer(Connection& c);
  Answer truth_answer(Connection& c);
  Answer governed_answer(Connection& c);
  std::string settings_json() const;

  struct Timer {
    TimePoint due;
    std::uint64_t tag;
    bool operator>(const Timer& other) const { return due > other.due; }
  };

  Options options;
  http::Limits limits;
  Epoll epoll;
  StopSignal stop;
  Fd listener;
  Fd control_listener;
  std::uint16_t port = 0;
  std::uint16_t control_port = 0;
  bool accepting = true;  // false while there are too many connections
  bool refusing = false;
  bool stopping = false;
  TimePoint stop_at{};
  TimePoint sweep_at{};
  TimePoint reopen_at{};

  Schedule schedule;
  Behaviour behaviour;  // in force
  Rng rng;
  net::StampClock stamps;
  TruthLog truth;
  Metrics metrics;
  std::size_t max_connections = 0;
  std::size_t open_connections = 0;
  std::size_t in_progress = 0;
  std::uint64_t generated_ids = 0;
  std::uint32_t next_serial = 1;
  std::vector<std::unique_ptr<Connection>> connections;  // by descriptor
  std::vector<std::unique_ptr<Connection>> closed;       // until the end of the turn: callers may still hold them
  std::vector<std::uint64_t> again;                      // tags of queued connections
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  http::RequestHead head;    // scratch of the parser
  std::vector<char> buffer;  // scratch of receive
};

// A connection's tag: its descriptor and its serial.
inline std::uint64_t tag_of(const Connection& c) {
  return (static_cast<std::uint64_t>(c.serial) << 32U) | static_cast<std::uint32_t>(c.fd.get());
}

}  // namespace quoll::lab::backend
