#include "metrics.h"

#include "quoll/base/version.h"
#include "quoll/telemetry/process.h"

namespace quoll::lab::backend {

Metrics::Metrics()
    : in_progress_(registry_.gauge("quoll_backend_requests_in_progress",
                                   "Requests received whole and not yet answered or given up.")),
      connections_(registry_.gauge("quoll_backend_connections", "Open client connections.")),
      truth_records_(registry_.gauge("quoll_backend_truth_records", "Records of ground truth held.")) {
  registry_.counter_fn("quoll_backend_truth_dropped_total", "Records of ground truth lost to the bound.", {},
                       [this] { return static_cast<double>(truth_dropped_); });
  telemetry::register_process_metrics(registry_);
  telemetry::register_build_info(registry_, version());
}

void Metrics::request(Mode mode, unsigned status, Duration took) {
  Family& family = families_[{mode, status}];
  if (family.requests == nullptr) {
    const telemetry::Labels labels = {{"mode", std::string(to_string(mode))},
                                      {"status", status == 0 ? "none" : std::to_string(status)}};
    family.requests = &registry_.counter("quoll_backend_requests_total",
                                         "Requests by the mode that governed them and the status answered.", labels);
    family.duration = &registry_.histogram(
        "quoll_backend_request_duration_seconds",
        "From the arrival of a request's last byte to the hand-over of the answer's last byte.", labels);
  }
  family.requests->add();
  family.duration->observe(took);
}

void Metrics::malformed(unsigned status) {
  registry_
      .counter("quoll_backend_malformed_requests_total", "Requests refused because they were not valid HTTP.",
               {{"status", std::to_string(status)}})
      .add();
}

std::string Metrics::expose(const Levels& levels) {
  in_progress_.set(static_cast<double>(levels.in_progress));
  connections_.set(static_cast<double>(levels.connections));
  truth_records_.set(static_cast<double>(levels.truth_records));
  truth_dropped_ = levels.truth_dropped;
  for (const Mode mode : kModes) {
    registry_
        .gauge("quoll_backend_mode", "1 for the mode in force, 0 for the others.",
               {{"mode", std::string(to_string(mode))}})
        .set(mode == levels.mode ? 1 : 0);
  }
  return registry_.expose();
}

}  // namespace quoll::lab::backend
