// Backend: endpoints with workers and a bounded queue each. Says what becomes of a job; the world keeps the time.
//
// A hang swallows the jobs that arrive while it lasts; those taken before are served. Down refuses them at once.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "quoll/base/rng.h"
#include "quoll/sim/config.h"

namespace quoll::sim {

class Backend {
 public:
  Backend(const BackendModel& model, std::uint64_t seed);

  enum class Taken : std::uint8_t { started, queued, full, swallowed, down };
  struct Answer {
    Taken taken = Taken::started;
    Duration service{};  // started: how long it takes
  };
  Answer arrive(std::uint32_t job, unsigned endpoint);

  struct Next {
    std::uint32_t job = 0;
    Duration service{};
  };
  // A job of this endpoint is done; its worker takes the next one, if any waits.
  std::optional<Next> finish(unsigned endpoint);
  // Is the answer that was just made a good one?
  bool draw_good(unsigned endpoint);

  // endpoint -1: all of them.
  void set_service_factor(int endpoint, double factor);
  void set_error_rate(int endpoint, double rate);
  void set_hang(int endpoint, bool on);
  void set_down(int endpoint, bool on);

  // Queued and served.
  unsigned in_system() const { return in_system_; }

 private:
  struct Endpoint {
    std::deque<std::uint32_t> waiting;
    unsigned busy = 0;
    double factor = 1;
    double error_rate = 0;
    bool hang = false;
    bool down = false;
  };
  template <typename Set>
  void each(int endpoint, Set set) {
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      if (endpoint < 0 || static_cast<std::size_t>(endpoint) == i) set(endpoints_[i]);
    }
  }
  Duration draw_service(const Endpoint& at);
  double normal();

  BackendModel model_;
  std::vector<Endpoint> endpoints_;
  Rng service_;
  Rng errors_;
  unsigned in_system_ = 0;
  std::optional<double> spare_normal_;
};

}  // namespace quoll::sim
