#include "quoll/telemetry/registry.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>
#include <variant>

#include "quoll/base/assert.h"
#include "quoll/base/mutex.h"
#include "utf8.h"

namespace quoll::telemetry {

namespace {

constexpr std::size_t kMaxLabelBytes = 256;

using Function = std::shared_ptr<const std::function<double()>>;
using Metric =
    std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<DurationHistogram>, Function>;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Prometheus' identifiers, without ':' which is kept for recording rules.
bool is_identifier(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_metric_name(std::string_view name, prometheus::MetricType type) {
  if (!is_identifier(name) || name.starts_with("__")) return false;
  for (const char* reserved : {"_bucket", "_count", "_sum"}) {
    if (name.ends_with(reserved)) return false;
  }
  if (name.ends_with("_total") != (type == prometheus::MetricType::Counter)) return false;
  return type != prometheus::MetricType::Histogram || name.ends_with("_seconds");
}

bool is_label_name(std::string_view name) {
  return is_identifier(name) && !name.starts_with("__") && name != "le" && name != "quantile";
}

// One line, and nothing that the text format would have to escape there.
bool is_help(std::string_view help) {
  return !help.empty() && help.find_first_of("\n\r\\") == std::string_view::npos;
}

// Sorted by name, values fit to print.
Labels normalised(const Labels& labels) {
  Labels result;
  result.reserve(labels.size());
  for (const auto& label : labels) {
    QUOLL_ASSERT(is_label_name(label.first));
    result.emplace_back(label.first, internal::printable_utf8(label.second, kMaxLabelBytes));
  }
  std::sort(result.begin(), result.end());
  for (std::size_t i = 1; i < result.size(); ++i) QUOLL_ASSERT(result[i - 1].first != result[i].first);
  return result;
}

// One string for a label set. 0xFF occurs in no UTF-8, so different sets give different keys.
std::string key_of(const Labels& labels) {
  std::string key;
  for (const auto& label : labels) {
    key += label.first;
    key += '\xFF';
    key += label.second;
    key += '\xFF';
  }
  return key;
}

struct Child {
  std::vector<prometheus::ClientMetric::Label> labels;
  Metric metric;
};

struct Family {
  std::string help;
  prometheus::MetricType type = prometheus::MetricType::Untyped;
  std::vector<Duration> bounds;  // of a histogram
  std::map<std::string, std::unique_ptr<Child>> children;
};

// What one child needs for a sample, taken under the lock and read outside it: children live as long as the registry,
// and a function is shared, so that replacing it meanwhile is safe.
struct Source {
  const Child* child;
  Function function;
};

void fill_histogram(const DurationHistogram& histogram, prometheus::ClientMetric::Histogram& out) {
  const HistogramSnapshot snapshot = histogram.snapshot();
  out.sample_count = snapshot.count;
  out.sample_sum = to_seconds(snapshot.sum);
  out.bucket.reserve(snapshot.buckets.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < snapshot.buckets.size(); ++i) {
    cumulative += snapshot.buckets[i];
    const bool last = i == snapshot.bounds.size();
    out.bucket.push_back({cumulative, last ? std::numeric_limits<double>::infinity() : to_seconds(snapshot.bounds[i])});
  }
}

prometheus::ClientMetric sample(const Source& source, prometheus::MetricType type) {
  prometheus::ClientMetric result;
  result.label = source.child->labels;
  double value = 0;
  if (source.function) {
    value = (*source.function)();
  } else if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&source.child->metric)) {
    value = static_cast<double>((*counter)->value());
  } else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&source.child->metric)) {
    value = (*gauge)->value();
  } else if (const auto* histogram = std::get_if<std::unique_ptr<DurationHistogram>>(&source.child->metric)) {
    fill_histogram(**histogram, result.histogram);
  }
  if (type == prometheus::MetricType::Counter) result.counter.value = value;
  if (type == prometheus::MetricType::Gauge) result.gauge.value = value;
  return result;
}

}  // namespace

struct Registry::Impl : prometheus::Collectable {
  explicit Impl(const RegistryOptions& options) : max_children(options.max_children) {}

  Family& family(std::string_view name, std::string_view help, prometheus::MetricType type) QUOLL_REQUIRES(mutex);
  // The child for these labels, or the one of "other"; `full` says which.
  Child& child(Family& family, const Labels& labels, bool& full) QUOLL_REQUIRES(mutex);

  template <typename T, typename Make>
  T& get(std::string_view name, std::string_view help, prometheus::MetricType type, const Labels& labels, Make make) {
    bool full = false;
    const MutexLock lock(mutex);
    Child& found = child(family(name, help, type), labels, full);
    auto* held = std::get_if<std::unique_ptr<T>>(&found.metric);
    // A child that is a function cannot be had as an object, nor the other way round.
    QUOLL_ASSERT(held != nullptr || is_new(found));
    if (held == nullptr || *held == nullptr) found.metric = make();
    if (full && overflow != nullptr) overflow->add();
    return **std::get_if<std::unique_ptr<T>>(&found.metric);
  }

  void set_function(std::string_view name, std::string_view help, prometheus::MetricType type, const Labels& labels,
                    std::function<double()> fn);

  static bool is_new(const Child& child) {
    return std::visit([](const auto& held) { return held == nullptr; }, child.metric);
  }

  std::vector<prometheus::MetricFamily> Collect() const override;

  const std::size_t max_children;
  Counter* overflow = nullptr;  // set once, before the registry is shared
  mutable Mutex mutex;
  std::map<std::string, Family, std::less<>> families QUOLL_GUARDED_BY(mutex);
};

Family& Registry::Impl::family(std::string_view name, std::string_view help, prometheus::MetricType type) {
  auto found = families.find(name);
  if (found == families.end()) {
    QUOLL_ASSERT(is_metric_name(name, type));
    QUOLL_ASSERT(is_help(help));
    found = families.emplace(std::string(name), Family{}).first;
    found->second.help = help;
    found->second.type = type;
  }
  QUOLL_ASSERT(found->second.type == type);
  QUOLL_ASSERT(found->second.help == help);
  return found->second;
}

Child& Registry::Impl::child(Family& family, const Labels& labels, bool& full) {
  Labels own = normalised(labels);
  std::string key = key_of(own);
  auto found = family.children.find(key);
  if (found == family.children.end() && family.children.size() >= max_children) {
    full = true;
    for (auto& label : own) label.second = "other";
    key = key_of(own);
    found = family.children.find(key);
  }
  if (found != family.children.end()) return *found->second;
  auto made = std::make_unique<Child>();
  for (const auto& label : own) made->labels.push_back({label.first, label.second});
  return *family.children.emplace(std::move(key), std::move(made)).first->second;
}

void Registry::Impl::set_function(std::string_view name, std::string_view help, prometheus::MetricType type,
                                  const Labels& labels, std::function<double()> fn) {
  QUOLL_ASSERT(fn != nullptr);
  Function shared = std::make_shared<const std::function<double()>>(std::move(fn));
  Function replaced;  // destroyed after the lock is released: its captures are not ours
  const MutexLock lock(mutex);
  Family& in = family(name, help, type);
  if (in.children.size() >= max_children && !in.children.contains(key_of(normalised(labels)))) {
    overflow->add();
    return;
  }
  bool full = false;
  Child& found = child(in, labels, full);
  QUOLL_ASSERT(is_new(found) || std::holds_alternative<Function>(found.metric));
  if (auto* held = std::get_if<Function>(&found.metric)) replaced = std::move(*held);
  found.metric = std::move(shared);
}

std::vector<prometheus::MetricFamily> Registry::Impl::Collect() const {
  std::vector<prometheus::MetricFamily> result;
  std::vector<std::vector<Source>> sources;
  {
    const MutexLock lock(mutex);
    result.reserve(families.size());
    sources.reserve(families.size());
    for (const auto& entry : families) {
      const Family& family = entry.second;
      result.push_back({entry.first, family.help, family.type, {}});
      std::vector<Source>& list = sources.emplace_back();
      list.reserve(family.children.size());
      for (const auto& child : family.children) {
        const auto* function = std::get_if<Function>(&child.second->metric);
        list.push_back({child.second.get(), function == nullptr ? nullptr : *function});
      }
    }
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i].metric.reserve(sources[i].size());
    for (const Source& source : sources[i]) result[i].metric.push_back(sample(source, result[i].type));
  }
  return result;
}

Registry::Registry(const RegistryOptions& options) : impl_(std::make_unique<Impl>(options)) {
  QUOLL_ASSERT(options.max_children >= 1 && options.max_children <= 1'000'000);
  impl_->overflow = &counter("quoll_metrics_overflow_total",
                             "Look-ups of a metric that went to the label value 'other', its family being full.");
}

Registry::~Registry() = default;

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->get<Counter>(name, help, prometheus::MetricType::Counter, labels,
                             [] { return std::make_unique<Counter>(); });
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->get<Gauge>(name, help, prometheus::MetricType::Gauge, labels, [] { return std::make_unique<Gauge>(); });
}

DurationHistogram& Registry::histogram(std::string_view name, std::string_view help, const Labels& labels,
                                       std::span<const Duration> bounds) {
  DurationHistogram& result = impl_->get<DurationHistogram>(name, help, prometheus::MetricType::Histogram, labels, [&] {
    return std::make_unique<DurationHistogram>(bounds);
  });
  const MutexLock lock(impl_->mutex);
  Family& family = impl_->families.find(name)->second;
  if (family.bounds.empty()) family.bounds.assign(bounds.begin(), bounds.end());
  QUOLL_ASSERT(std::equal(bounds.begin(), bounds.end(), family.bounds.begin(), family.bounds.end()));
  return result;
}

void Registry::gauge_fn(std::string_view name, std::string_view help, const Labels& labels,
                        std::function<double()> fn) {
  impl_->set_function(name, help, prometheus::MetricType::Gauge, labels, std::move(fn));
}

void Registry::counter_fn(std::string_view name, std::string_view help, const Labels& labels,
                          std::function<double()> fn) {
  impl_->set_function(name, help, prometheus::MetricType::Counter, labels, std::move(fn));
}

void Registry::rotate_maxima() {
  const MutexLock lock(impl_->mutex);
  for (const auto& family : impl_->families) {
    if (family.second.type != prometheus::MetricType::Histogram) continue;
    for (const auto& child : family.second.children) {
      const auto* histogram = std::get_if<std::unique_ptr<DurationHistogram>>(&child.second->metric);
      if (histogram != nullptr) (*histogram)->rotate_max();
    }
  }
}

std::vector<Registry::NamedHistogram> Registry::histograms(std::string_view name) const {
  std::vector<NamedHistogram> result;
  const MutexLock lock(impl_->mutex);
  const auto found = impl_->families.find(name);
  if (found == impl_->families.end()) return result;
  for (const auto& entry : found->second.children) {
    const Child& child = *entry.second;
    const auto* histogram = std::get_if<std::unique_ptr<DurationHistogram>>(&child.metric);
    if (histogram == nullptr || *histogram == nullptr) continue;
    NamedHistogram named{{}, histogram->get()};
    for (const auto& label : child.labels) named.labels.emplace_back(label.name, label.value);
    result.push_back(std::move(named));
  }
  return result;
}

double Registry::counter_sum(std::string_view name) const {
  double sum = 0;
  std::vector<Function> functions;  // called outside the lock
  {
    const MutexLock lock(impl_->mutex);
    const auto found = impl_->families.find(name);
    if (found == impl_->families.end()) return 0;
    for (const auto& entry : found->second.children) {
      const Metric& metric = entry.second->metric;
      if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&metric); counter != nullptr && *counter) {
        sum += static_cast<double>((*counter)->value());
      } else if (const auto* function = std::get_if<Function>(&metric); function != nullptr && *function) {
        functions.push_back(*function);
      }
    }
  }
  for (const Function& function : functions) sum += (*function)();
  return sum;
}

std::string Registry::expose() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->Collect());
  return std::move(out).str();
}

}  // namespace quoll::telemetry
