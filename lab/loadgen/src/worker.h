// Worker: one loop of the load generator: its share of the connections, of the requests and of the schedule.
//
// Sockets are registered once, edge-triggered, for everything; a closed loop at full speed costs one recv and one send
// a request, and one epoll_wait for as many as are ready.
//
// worker.cc has the loop and decides what is sent when; worker_io.cc moves the bytes.
//
// Loop-confined: constructed and destroyed anywhere, run by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "batch.h"
#include "connection.h"
#include "quoll/base/fd.h"
#include "quoll/lab/loadgen/options.h"
#include "quoll/lab/loadgen/run.h"
#include "request_template.h"
#include "target.h"

namespace quoll::lab::loadgen {

// What all loops of a run share; outlives them.
struct Plan {
  const Options& options;
  const RequestTemplate& request;
  const Address& address;
  const StopSignal& stop;
  Mailbox& mailbox;
  TimePoint start;
  TimePoint warm_until;
  TimePoint end;  // nothing is due from here on; TimePoint::max() when only `requests` ends the run
};

class Worker {
 public:
  // epoll: of epoll_create1.
  Worker(const Plan& plan, unsigned index, Fd epoll);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run();

 private:
  enum class Mode : std::uint8_t { closed, open, idle };
  struct Due {
    TimePoint intended;
    std::uint64_t number;
  };

  // The loop (worker.cc).
  void begin();
  bool finished(TimePoint now);
  void wait(TimePoint now);
  TimePoint next_wake() const;
  void finish();

  // What is sent when (worker.cc).
  bool may_start(TimePoint intended) const;
  std::uint64_t next_number(TimePoint intended);
  void queue_due(TimePoint now);
  void serve_backlog(TimePoint now);
  void drop_backlog(TimePoint now);
  void stop_now(TimePoint now);
  void wake_paused(TimePoint now);
  void expire(TimePoint now);
  void start_request(std::uint32_t index, Due due, TimePoint now);
  void next_request(std::uint32_t index, TimePoint now, bool pause);
  void open_idle(TimePoint now);
  std::size_t count_ready() const;
  void put_free(std::uint32_t index);
  void leave_free(std::uint32_t index);

  // What is counted (worker.cc).
  Stats& stats_for(TimePoint intended) { return intended < plan_.warm_until ? batch_.warm : batch_.counted; }
  void count_answer(Connection& one, TimePoint now);
  void count_error(const Due& due, const Connection* one, ErrorKind kind, std::string_view detail, TimePoint now);
  void publish(TimePoint now, bool last);

  // Bytes (worker_io.cc).
  void open_socket(std::uint32_t index, TimePoint now);
  void on_event(std::uint32_t index, std::uint32_t events);
  void on_connected(std::uint32_t index);
  void send_request(std::uint32_t index);
  void receive(std::uint32_t index, bool peer_closed);
  void consume(std::uint32_t index, std::span<const char> bytes, bool peer_closed);
  void on_close(std::uint32_t index);
  void drop_free(std::uint32_t index);
  void complete(std::uint32_t index, TimePoint now, bool reuse);
  void fail(std::uint32_t index, ErrorKind kind, std::string_view detail, TimePoint now);
  void close_socket(Connection& one);

  const Plan& plan_;
  const unsigned index_;
  const Mode mode_;
  const Fd epoll_;

  std::vector<Connection> connections_;
  InFlight in_flight_;
  // Connections without a request: those with a socket are taken before those without (two stacks: last used first).
  std::array<std::vector<std::uint32_t>, 2> free_;
  // Closed loop: connections that wait a moment after a failure, with the time when they go on.
  std::deque<std::pair<TimePoint, std::uint32_t>> paused_;

  std::uint64_t quota_ = 0;  // counted requests still to be made
  std::uint64_t numbered_ = 0;
  std::optional<Arrivals> arrivals_;  // open loop
  std::deque<Due> backlog_;
  std::size_t backlog_limit_ = 0;
  std::optional<TimePoint> drain_until_;  // the schedule has ended; the backlog is given up here
  std::optional<TimePoint> stopped_at_;
  std::size_t idle_next_ = 0;
  std::size_t idle_tried_ = 0;
  bool idle_told_ = false;

  Batch batch_;
  std::uint64_t tick_ = 0;
  std::uint64_t sockets_opened_ = 0;
  TimePoint last_answer_;
  bool have_pwait2_ = true;  // false where the kernel or a sandbox has no epoll_pwait2
  std::array<std::string, kErrorKinds> error_examples_;

  std::string scratch_;
  http::ResponseHead head_;
  std::vector<char> buffer_;
};

}  // namespace quoll::lab::loadgen
