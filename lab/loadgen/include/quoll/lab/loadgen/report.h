// Stats, Tick and Report: the counts of a run, and the forms in which they are printed.
//
// Every request that was due ends up in exactly one place: `status` when a whole answer came, `errors` otherwise. So
// requests() = responses() + errors, and the ticks of a run without warm-up add up to its report.
//
// Thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/histogram.h"
#include "quoll/base/time.h"

namespace quoll::lab::loadgen {

enum class ErrorKind : std::uint8_t {
  connect,     // no connection: refused, unreachable, or not within the timeout
  reset,       // the peer reset the connection
  timeout,     // no whole answer within the timeout
  protocol,    // an answer that is not HTTP/1.x
  closed,      // the peer closed before the whole answer had come
  unsent,      // open loop: due, but never sent, because no connection became free
  unfinished,  // in flight when the run was stopped
};
inline constexpr std::size_t kErrorKinds = 7;
std::string_view to_string(ErrorKind kind);

// The answer's Quoll-Fallback field.
enum class Fallback : std::uint8_t { none, open, timeout, error, other };
inline constexpr std::size_t kFallbacks = 5;
std::string_view to_string(Fallback fallback);

struct Stats {
  static constexpr std::size_t kStatuses = 1000;  // indexed by status code

  // Nanoseconds from the intended send time to the last byte; whole answers only, of any status.
  Histogram latency = Histogram();
  std::vector<std::uint64_t> status = std::vector<std::uint64_t>(kStatuses);
  std::array<std::uint64_t, kFallbacks> fallback{};
  std::array<std::uint64_t, kErrorKinds> errors{};
  std::uint64_t bytes_received = 0;  // heads and framing included
  std::uint64_t connections_opened = 0;
  // Open loop: the longest that a request was late because this process was, not for want of a free connection. When
  // it is large, the latencies are partly our own.
  Duration own_delay_max{};

  std::uint64_t responses() const { return latency.count(); }
  std::uint64_t error_count() const;
  std::uint64_t requests() const { return responses() + error_count(); }
  // Whole answers with a status from 200 to 399.
  std::uint64_t succeeded() const;
  void merge(const Stats& other);
};

// One second of a run; the last one may be shorter.
struct Tick {
  Duration end{};     // since the start of the run, warm-up included
  Duration length{};  // normally 1 s
  bool warm_up = false;
  Stats stats;
};

struct Report {
  std::string url;
  std::string mode;  // "closed", "open" or "idle"
  std::size_t connections = 0;
  unsigned threads = 1;
  double rate = 0;      // asked for; 0 in a closed loop
  Duration duration{};  // of the counted part, up to the last answer
  std::uint64_t seed = 0;
  std::uint64_t warm_up_requests = 0;  // made before the counting began
  std::size_t idle_open = 0;           // idle mode: connections open at the end
  bool stopped = false;                // ended by a stop request
  Stats stats;
  // For each kind of error, the message of the first one; empty when there was none.
  std::array<std::string, kErrorKinds> error_examples;

  double responses_per_second() const;
};

// One line of JSON each, without a newline: {"type":"tick",...} and {"type":"result",...}.
std::string to_json(const Tick& tick);
std::string to_json(const Report& report);
// Of Hooks::on_idle.
std::string idle_json(std::size_t open);
// One line for a person, without a newline, and the table at the end of a run.
std::string to_text(const Tick& tick);
std::string to_text(const Report& report);
// The latencies in milliseconds in HdrHistogram's percentile distribution form (outputPercentileDistribution with 5
// ticks per half distance), as its plotting tools read it.
std::string to_hdr(const Histogram& latency);

}  // namespace quoll::lab::loadgen
