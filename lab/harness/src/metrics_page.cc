#include "quoll/lab/harness/metrics_page.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "quoll/lab/harness/part.h"

namespace quoll::lab::harness {

namespace {

// Reads one sample line: name{label="value",...} value [timestamp].
class SampleReader {
 public:
  explicit SampleReader(std::string_view text) : text_(text) {}

  bool read(MetricSample& out) {
    out.name = std::string(read_while([](char c) { return c != '{' && c != ' ' && c != '\t'; }));
    if (out.name.empty()) return false;
    if (skip('{') && !read_labels(out.labels)) return false;
    skip_blanks();
    const std::string number(read_while([](char c) { return c != ' ' && c != '\t'; }));
    char* end = nullptr;
    out.value = std::strtod(number.c_str(), &end);  // reads +Inf and NaN, too
    return !number.empty() && *end == '\0';
  }

 private:
  bool read_labels(Labels& labels) {
    while (true) {
      skip_blanks();
      if (skip('}')) return true;
      const std::string name(read_while([](char c) { return c != '=' && c != '}'; }));
      if (!skip('=') || !skip('"')) return false;
      std::string value;
      while (!text_.empty() && text_.front() != '"') {
        char c = text_.front();
        text_.remove_prefix(1);
        if (c == '\\' && !text_.empty()) {
          c = text_.front() == 'n' ? '\n' : text_.front();
          text_.remove_prefix(1);
        }
        value += c;
      }
      if (!skip('"')) return false;
      labels[name] = value;
      skip_blanks();
      skip(',');
    }
  }

  template <typename Predicate>
  std::string_view read_while(const Predicate& wanted) {
    const auto end = std::find_if_not(text_.begin(), text_.end(), wanted);
    const std::string_view read = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(read.size());
    return read;
  }
  bool skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    read_while([](char c) { return c == ' ' || c == '\t'; });
  }

  std::string_view text_;
};

bool includes(const Labels& all, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const auto found = all.find(one.first);
    return found != all.end() && found->second == one.second;
  });
}

}  // namespace

Result<MetricsPage> MetricsPage::read(std::uint16_t port) {
  const auto text = client_of(port).get_ok("/metrics");
  if (!text) return text.error();
  return parse(*text);
}

Result<MetricsPage> MetricsPage::parse(std::string_view text) {
  MetricsPage page;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') continue;
    MetricSample sample;
    if (!SampleReader(line).read(sample)) {
      return Error{"not a line of Prometheus text: \"" + std::string(line.substr(0, 120)) + "\"", "metrics"};
    }
    page.samples_.push_back(std::move(sample));
  }
  return page;
}

std::optional<double> MetricsPage::sum(std::string_view name, const Labels& labels) const {
  std::optional<double> total;
  for (const MetricSample& sample : samples_) {
    if (sample.name == name && includes(sample.labels, labels)) total = total.value_or(0) + sample.value;
  }
  return total;
}

std::uint64_t MetricsPage::count(std::string_view name, const Labels& labels) const {
  return static_cast<std::uint64_t>(std::llround(sum(name, labels).value_or(0)));
}

CountMap MetricsPage::counts_by(std::string_view name, std::string_view label) const {
  CountMap counts;
  for (const MetricSample& sample : samples_) {
    if (sample.name != name) continue;
    const auto found = sample.labels.find(label);
    if (found != sample.labels.end()) counts[found->second] += static_cast<std::uint64_t>(std::llround(sample.value));
  }
  return counts;
}

std::optional<double> MetricsPage::highest_growth(std::string_view name, const MetricsPage& before) const {
  // Buckets are cumulative, so the highest one that received a value is the lowest that grew as much as the count.
  const std::string bucket = std::string(name) + "_bucket";
  std::optional<double> highest;
  std::map<Labels, std::map<double, double>> growth;  // by labels without `le`
  for (const MetricSample& sample : samples_) {
    if (sample.name != bucket) continue;
    const auto le = sample.labels.find("le");
    if (le == sample.labels.end()) continue;
    Labels others = sample.labels;
    others.erase("le");
    growth[others][std::strtod(le->second.c_str(), nullptr)] =
        sample.value - before.sum(bucket, sample.labels).value_or(0);
  }
  for (const auto& entry : growth) {
    const double total = entry.second.rbegin()->second;
    if (total <= 0) continue;
    for (const auto& [bound, grown] : entry.second) {
      if (grown < total) continue;
      highest = std::max(highest.value_or(bound), bound);
      break;
    }
  }
  return highest;
}

}  // namespace quoll::lab::harness
