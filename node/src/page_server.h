// Pages and PageServer: /health, /metrics, /status and the live page, from a thread that no JavaScript can block.
//
// A process whose loop stands still cannot say so itself, which is when one would like to know. The thread reads what
// core keeps (core is thread-safe) and when the loop last gave a sign of life; it never enters JavaScript.
//
// Pages is thread-safe. PageServer is loop-confined, and owns its thread: its destructor ends it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "circuit.h"
#include "quoll/base/histogram.h"
#include "quoll/base/mutex.h"
#include "quoll/base/result.h"
#include "quoll/core/admission.h"

namespace quoll::node {

class Pages {
 public:
  void add(const std::shared_ptr<Circuit>& circuit);
  void remove(const Circuit* circuit);

  // The loop is alive. It promises the next sign within `interval`.
  void beat(Duration interval);
  // No more signs will come: silence is no blockage from here on.
  void stop_beating();
  // Requests that a middleware let in, or refused.
  void count_shed(core::ShedReason reason);

  // The answer to a request for this path; empty if there is no such page. `now` is that of performance.now().
  struct Page {
    int status = 200;
    std::string type;
    std::string body;
  };
  Page page(const std::string& path) const;

  // How long the loop has stood still, zero if it runs.
  Duration blocked_for(TimePoint steady_now) const;

 private:
  struct Row {
    std::string name;
    core::Snapshot snapshot;
    std::string text = {};
    std::uint64_t fires = 0;
    std::uint64_t fallbacks = 0;
    std::uint64_t capacity_refusals = 0;
    std::int64_t in_flight = 0;
    std::vector<core::Transition> journal = {};
  };
  std::vector<Row> rows() const;
  std::string health() const;
  std::string status() const;
  std::string metrics() const;
  void put_circuit_metrics(std::string& text) const;
  void put_loop_metrics(std::string& text) const;

  mutable Mutex mutex_;
  std::vector<std::weak_ptr<Circuit>> circuits_ QUOLL_GUARDED_BY(mutex_);
  Histogram loop_delay_ QUOLL_GUARDED_BY(mutex_);
  TimePoint started_ = steady_now();
  std::atomic<std::int64_t> beat_{0};      // ns, steady; 0 before the first and after the last
  std::atomic<std::int64_t> interval_{0};  // ns
  std::atomic<std::uint64_t> admitted_{0};
  std::atomic<std::uint64_t> shed_overload_{0};
  std::atomic<std::uint64_t> shed_too_old_{0};
};

class PageServer {
 public:
  // Listens on this IPv4 address; port 0 takes a free one.
  static Result<std::unique_ptr<PageServer>> start(std::shared_ptr<const Pages> pages, const std::string& host,
                                                   std::uint16_t port);
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  struct Visitor;
  PageServer(std::shared_ptr<const Pages> pages, int listener, int stop, std::uint16_t port);
  void run();
  void welcome(std::vector<Visitor>& visitors) const;
  bool serve(Visitor& visitor) const;

  std::shared_ptr<const Pages> pages_;
  int listener_;
  int stop_;  // an eventfd: readable once the thread should end
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace quoll::node
