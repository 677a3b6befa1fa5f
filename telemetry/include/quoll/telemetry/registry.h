// Registry: the metrics of a process by name, and their Prometheus text.
//
// A metric is made once, at set-up or when a label value is first met, and kept as a reference that stays valid for the
// registry's life; nothing is ever removed. Asking again for the same name and labels gives the same object. A lookup
// takes a mutex: the hot path keeps references.
//
//   Counter& opened = registry.counter("quoll_circuit_events_total", "Breaker events.", {{"circuit", "default"},
//                                                                                        {"event", "open"}});
//
// A family (one name) has one type, one help text and, for histograms, one set of bounds; anything else is our own bug
// (QUOLL_ASSERT), and so is a name that Prometheus' conventions refuse: counters end in _total and nothing else does,
// histograms end in _seconds, help is not empty.
//
// Cardinality is bounded: a family that has `max_children` label sets sends every further one to the set whose values
// are all "other", and counts that in quoll_metrics_overflow_total. Label values are made valid UTF-8 and cut at 256
// bytes, so that what a peer sent can be used as one.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quoll/telemetry/metrics.h"

namespace quoll::telemetry {

// Names and values. Names match [a-zA-Z_][a-zA-Z0-9_]*, not starting with "__" and not "le"; order does not matter.
using Labels = std::vector<std::pair<std::string, std::string>>;

struct RegistryOptions {
  // Label sets in one family, before further ones share "other". Default 10,000, range 1 to 1e6.
  std::size_t max_children = 10'000;
};

class Registry {
 public:
  explicit Registry(const RegistryOptions& options = {});
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  DurationHistogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {},
                               std::span<const Duration> bounds = kLatencyBounds);

  // A value read at each scrape, on the scraping thread and under no lock of ours. What `fn` captures must outlive the
  // registry or be owned by `fn`, which must not throw. Registering the same name and labels again replaces the
  // function. A family that is full drops the function and counts it as overflow: values of different things cannot be
  // merged.
  void gauge_fn(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> fn);
  // As gauge_fn, for a value that only goes up.
  void counter_fn(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> fn);

  // Ends the running interval of every histogram's maximum; see DurationHistogram::rotate_max. For one sampler, once
  // a second.
  void rotate_maxima();

  // For a sampler that wants sums without parsing text. The histograms of a family that are there now; they stay valid
  // for the registry's life. Empty when there is no such family.
  struct NamedHistogram {
    Labels labels;
    const DurationHistogram* histogram;
  };
  std::vector<NamedHistogram> histograms(std::string_view name) const;
  // The sum of a family's counters, those made by counter_fn included; 0 when there is no such family.
  double counter_sum(std::string_view name) const;

  // All families in Prometheus' text format 0.0.4, families by name and children by labels. Serve it as
  // kExpositionContentType.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view kExpositionContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace quoll::telemetry
