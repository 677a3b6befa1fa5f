// Config: the modelled world and the policies in it, every option of both.
//
// The model, in the order in which a request meets it:
//
//   clients   an open loop: Poisson arrivals at `rate`, whatever becomes of them; or a closed loop: `clients` of them,
//             each asking again after a think time (exponential) when it has its answer. A client gives up after
//             `patience`; the process is not told, as with HTTP/1.1, and may go on working for nobody.
//   process   one CPU, one piece of work at a time, each at its cost: taking a request on, reading an answer, running a
//             timer, refusing. Timers that are due run before reads, as in the event loops of Node and Asio. A stall is
//             a piece of work like any other, and everything waits behind it.
//   network   a fixed delay plus a uniform jitter, each way.
//   backend   `endpoints` of them, each with `workers` servers and one bounded queue, first come first served. What
//             finds it full is refused at once (503). It does not know of deadlines: a call that the caller has given
//             up is served like any other, and that is what makes overload collapse.
//
// Thread-compatible: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quoll/base/duration_range.h"
#include "quoll/base/time.h"
#include "quoll/core/adaptive_timeout.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker_options.h"
#include "quoll/core/concurrency_limit.h"
#include "quoll/core/hedging.h"
#include "quoll/core/outlier.h"
#include "quoll/core/retry.h"
#include "quoll/core/throttle.h"

namespace quoll::sim {

enum class Service : std::uint8_t { fixed, uniform, exponential, lognormal };
enum class VerdictBy : std::uint8_t { arrival, timer };

struct ClientModel {
  // Requests a second; above 0, at most 1e6. Not looked at when there are `clients`.
  double rate = 100;
  // 0: an open loop. Range up to 100,000.
  unsigned clients = 0;
  // Mean, exponential. Range 0 to 1 h.
  Duration think = std::chrono::seconds(1);
  // Range 1 ms to 1 h.
  Duration patience = std::chrono::seconds(2);
};

struct ProcessModel {
  // CPU time to take a request on and send it; to read an answer and reply; to refuse. Range 0 to 10 s each.
  Duration request_cost = std::chrono::microseconds(30);
  Duration answer_cost = std::chrono::microseconds(30);
  Duration refuse_cost = std::chrono::microseconds(10);
  // While stalls are on: how long one lasts, and the pause until the next, both uniform.
  DurationRange stall = {std::chrono::milliseconds(600), std::chrono::milliseconds(600)};
  DurationRange stall_every = {std::chrono::seconds(1), std::chrono::seconds(2)};
};

struct NetworkModel {
  Duration delay = std::chrono::microseconds(200);
  Duration jitter = std::chrono::microseconds(100);
};

struct BackendModel {
  // Range 1 to 1,000; 1 to 10,000; 0 to 1,000,000.
  unsigned endpoints = 1;
  unsigned workers = 16;
  unsigned queue = 1024;
  Service service = Service::lognormal;
  // Range 1 us to 1 min.
  Duration mean = std::chrono::milliseconds(20);
  // lognormal: of the logarithm. Range 0 to 3. uniform: from (1 - sigma) to (1 + sigma) times the mean, at most 1.
  double sigma = 0.5;
  // A job that starts with all workers busy takes (1 + this) times as long, with half of them half of that. 0 to 100.
  double degradation = 0;
  // Share of calls answered with an error. Range 0 to 1.
  double error_rate = 0;
};

// Parts of a scenario's course, and how hard it is; what they mean is said by the scenario.
struct Course {
  Duration before = std::chrono::seconds(30);
  Duration trouble = std::chrono::seconds(30);
  Duration after = std::chrono::seconds(60);
  double severity = 1;
};

struct Model {
  ClientModel client;
  ProcessModel process;
  NetworkModel network;
  BackendModel backend;
  Course course;
};

template <typename Options>
struct Switched {
  bool on = false;
  Options options = {};
};

struct Policies {
  Switched<core::BreakerOptions> breaker;
  // One breaker for each endpoint, instead of one for all.
  bool breaker_per_endpoint = false;
  // Of one attempt; 0: none. With adaptive on, not used.
  Duration timeout = std::chrono::milliseconds(500);
  Switched<core::AdaptiveTimeoutOptions> adaptive;
  Switched<core::ConcurrencyLimitOptions> limit;
  Switched<core::RetryOptions> retry;
  Switched<core::RetryBudgetOptions> budget;
  Switched<core::ThrottleOptions> throttle;
  Switched<core::HedgingOptions> hedging;
  Switched<core::OutlierOptions> outlier;
  // Asked when this process begins to work on a request.
  Switched<core::AdmissionOptions> admission;
  // Requests wait here until one of queue_slots is free.
  Switched<core::AdmissionQueueOptions> queue;
  unsigned queue_slots = 16;
  VerdictBy verdict = VerdictBy::arrival;
};

struct Config {
  Model model;
  Policies policies;

  // Every fault, each naming the key as `--set` knows it; policies that are off are not looked at.
  std::vector<std::string> validate() const;
};

const char* to_string(Service service);
const char* to_string(VerdictBy verdict);

}  // namespace quoll::sim
