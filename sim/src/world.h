// World: one run. Clients, CPU, network and backend as events, and core's policies between them.
//
// Two books are kept of everything that the invariants speak of: one by the policies, one here.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "cpu.h"
#include "invariants.h"
#include "quoll/base/rng.h"
#include "quoll/core/admission.h"
#include "quoll/core/admission_queue.h"
#include "quoll/core/breaker.h"
#include "quoll/core/hedging.h"
#include "quoll/core/judge.h"
#include "quoll/core/outlier.h"
#include "quoll/core/pipeline.h"
#include "quoll/sim/event_queue.h"
#include "quoll/sim/run.h"
#include "recorder.h"

namespace quoll::sim {

class World {
 public:
  World(const Config& config, const Plan& plan, std::uint64_t seed, Fault fault);
  Result<RunResult> run();

 private:
  // One attempt of a request, from sent to judged. id 0: none is under way.
  struct Attempt {
    std::uint32_t id = 0;
    unsigned endpoint = 0;
    std::uint32_t generation = 0;  // of the breaker, if it is a trial
    bool trial = false;
    bool hedged = false;
    bool good = false;
    bool swallowed = false;
    TimePoint sent_at{};
    TimePoint deadline{};
    TimePoint hedge_sent_at{};
    TimePoint answer_sent_at{};  // when the request was sent whose answer came
    std::optional<TimePoint> arrived_at;
  };
  struct Request {
    std::uint32_t id = 0;  // 0: free
    std::uint32_t client = 0;
    bool waiting = false;     // its client has no answer yet and has not given up
    bool in_service = false;  // holds one of queue_slots
    TimePoint arrived_at{};
    std::optional<core::PipelineCall> call;
    Attempt attempt;
  };
  // What the backend has of an attempt.
  struct Job {
    std::uint32_t slot = 0;
    std::uint32_t attempt = 0;
    unsigned endpoint = 0;
    bool good = false;
    TimePoint sent_at{};
  };

  // world.cc: the course of events and the clients.
  void prepare();
  void dispatch(const Event& event);
  void on_arrival(const Event& event);
  void on_change(const Change& change);
  void on_stall(const Event& event);
  void on_tick();
  void schedule_arrival(std::uint32_t client, double mean_seconds);
  std::uint32_t new_request(std::uint32_t client);
  void end_client(std::uint32_t slot, End end);
  void finish_request(std::uint32_t slot, End end);
  Facts facts();
  Bucket gauges() const;
  RunResult result();

  // process.cc: the CPU and what it works on.
  void pump_cpu();
  Duration cost_of(Work& work);
  void carry_out(const Work& work);
  void pump_queue();
  void offer(std::uint32_t slot);

  // attempts.cc: attempts, the backend, and the policies around them.
  void make_policies();
  void begin(std::uint32_t slot);
  void proceed(std::uint32_t slot, const core::Step& step);
  void send(std::uint32_t slot, Duration timeout);
  void send_job(std::uint32_t slot, unsigned endpoint);
  void hedge(std::uint32_t slot);
  void on_sent(std::uint32_t job);
  void on_served(std::uint32_t job);
  void on_answered(std::uint32_t job);
  void look(std::uint32_t slot);
  void end_attempt(std::uint32_t slot, const core::Sample& sample);
  void learn(const Attempt& attempt, const core::Sample& sample);
  void note(std::size_t breaker, const std::optional<core::Transition>& transition);
  unsigned pick_endpoint();
  std::size_t breaker_of(unsigned endpoint) const { return policies_.breaker_per_endpoint ? endpoint : 0; }
  bool live(std::uint32_t slot, std::uint32_t attempt) const { return requests_[slot].attempt.id == attempt; }

  Duration since_start(TimePoint at) const { return at - start_; }
  Duration travel() { return model_.network.delay + net_.uniform(Duration::zero(), model_.network.jitter); }
  bool happens(Fault fault) const { return fault_ == fault; }
  Counts& counts() { return recorder_.bucket(); }
  void mix(std::uint64_t word) { hash_ = splitmix64(hash_ ^ word); }

  const Model model_;
  const Policies policies_;
  const Plan plan_;
  const std::uint64_t seed_;
  const Fault fault_;
  const TimePoint start_;
  const TimePoint end_;

  EventQueue events_;
  TimePoint now_;
  std::uint64_t handled_ = 0;
  std::uint64_t hash_;
  std::uint32_t serial_ = 0;  // of requests and attempts; 0 is none
  Recorder recorder_;
  RunResult notes_;

  Rng arrivals_;
  Rng net_;
  Rng stalls_;
  Rng picks_;
  double rate_factor_ = 1;
  std::uint32_t rate_epoch_ = 0;
  std::uint32_t stall_epoch_ = 0;

  // Policies; what is off is null. Before the requests, whose permits must not outlive them.
  std::vector<core::Breaker> breakers_;
  std::unique_ptr<core::AdaptiveTimeout> adaptive_;
  std::unique_ptr<core::ConcurrencyLimit> limit_;
  std::unique_ptr<core::RetryBudget> budget_;
  std::unique_ptr<core::RetryPolicy> retry_;
  std::unique_ptr<core::Throttle> throttle_;
  std::unique_ptr<core::Hedging> hedging_;
  std::unique_ptr<core::OutlierEjection> outlier_;
  std::unique_ptr<core::AdmissionControl> admission_;
  std::unique_ptr<core::AdmissionQueue> queue_;
  std::vector<core::Pipeline> pipelines_;  // by endpoint

  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::vector<Job> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  Backend backend_;
  Cpu cpu_;
  bool pumping_cpu_ = false;
  bool pumping_queue_ = false;

  // Our own books.
  std::uint64_t arrived_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t ended_twice_ = 0;
  std::uint64_t waiting_ = 0;
  unsigned in_process_ = 0;
  unsigned in_service_ = 0;
  std::uint64_t holding_ = 0;  // attempts under way
  std::vector<std::uint64_t> trials_;
  std::optional<std::size_t> touched_;  // the breaker that this event asked or told
  std::optional<BudgetBound> bound_;
  std::vector<core::PipelineCall> leaked_;
};

}  // namespace quoll::sim
