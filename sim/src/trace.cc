// Reading traces.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "quoll/sim/replay.h"

namespace quoll::sim {

namespace {

constexpr std::string_view kLoadHeader =
    "id,connection,intended_ns,sent_ns,first_byte_ns,done_ns,status,fallback,error";

struct Field {
  std::string_view text;
  std::size_t column = 1;  // of its first character, from 1
};

struct Row {
  std::vector<Field> fields;
  std::size_t line = 1;
};

std::vector<Field> split(std::string_view line) {
  std::vector<Field> fields;
  std::size_t begin = 0;
  while (true) {
    const std::size_t comma = line.find(',', begin);
    Field field{line.substr(begin, comma == std::string_view::npos ? comma : comma - begin), begin + 1};
    // Blanks around a value are nobody's business.
    while (!field.text.empty() && field.text.front() == ' ') {
      field.text.remove_prefix(1);
      ++field.column;
    }
    while (!field.text.empty() && field.text.back() == ' ') field.text.remove_suffix(1);
    fields.push_back(field);
    if (comma == std::string_view::npos) return fields;
    begin = comma + 1;
  }
}

class TraceReader {
 public:
  TraceReader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<Trace> read() {
    const auto header = next();
    if (!header) return fault(1, 1, "the file is empty; it must begin with a header such as time,latency,outcome");
    if (auto bad = read_header(*header)) return *bad;
    while (const auto row = next()) {
      if (row->fields.size() != columns_) {
        return fault(row->line, row->fields.back().column,
                     fmt::format("{} fields, but the header has {}", row->fields.size(), columns_));
      }
      if (auto bad = of_load_ ? read_load(*row) : read_plain(*row)) return *bad;
    }
    if (trace_.calls.empty()) return fault(line_, 1, "no call in it; at least one row must follow the header");
    std::stable_sort(trace_.calls.begin(), trace_.calls.end(),
                     [](const TraceCall& a, const TraceCall& b) { return a.at < b.at; });
    const Duration first = trace_.calls.front().at;
    for (TraceCall& call : trace_.calls) call.at -= first;
    return std::move(trace_);
  }

 private:
  Error fault(std::size_t line, std::size_t column, const std::string& what) const {
    return {fmt::format("{}:{}:{}: {}", file_, line, column, what), "trace"};
  }
  Error fault(const Row& row, const Field& field, const std::string& what) const {
    return fault(row.line, field.column, what);
  }

  // The next line that is not empty.
  std::optional<Row> next() {
    while (!text_.empty()) {
      const std::size_t end = text_.find('\n');
      std::string_view line = text_.substr(0, end);
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      ++line_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.find_first_not_of(' ') == std::string_view::npos) continue;
      return Row{split(line), line_};
    }
    return std::nullopt;
  }

  // "latency_ms" for "latency": its unit is 1e6 ns; 0 when values carry their unit.
  static std::optional<double> unit_of(std::string_view column, std::string_view name) {
    if (column == name) return 0;
    static constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
        {{"_ns", 1}, {"_us", 1e3}, {"_ms", 1e6}, {"_s", 1e9}}};
    for (const auto& [suffix, nanos] : kUnits) {
      if (column.size() == name.size() + suffix.size() && column.substr(0, name.size()) == name &&
          column.substr(name.size()) == suffix) {
        return nanos;
      }
    }
    return std::nullopt;
  }

  std::optional<Error> read_header(const Row& row) {
    columns_ = row.fields.size();
    std::string joined;
    for (const Field& field : row.fields) joined += (joined.empty() ? "" : ",") + std::string(field.text);
    if (joined == kLoadHeader) {
      of_load_ = true;
      return std::nullopt;
    }
    for (std::size_t i = 0; i < columns_; ++i) {
      const std::string_view name = row.fields[i].text;
      const auto take = [&](std::optional<std::size_t>& column) {
        if (column) return false;
        column = i;
        return true;
      };
      bool fresh = true;
      if (const auto unit = unit_of(name, "time")) {
        time_unit_ = *unit;
        fresh = take(time_);
      } else if (const auto other = unit_of(name, "latency")) {
        latency_unit_ = *other;
        fresh = take(latency_);
      } else if (name == "outcome") {
        fresh = take(outcome_);
      }
      if (!fresh) return fault(row, row.fields[i], fmt::format("a second column for '{}'", name));
    }
    const auto missing = [&](const char* name) {
      return fault(row.line, 1,
                   fmt::format("the header has no column '{}'; it must have time, latency and outcome (time_s, "
                               "latency_ms and the like for bare numbers), or be that of quoll load --requests-log",
                               name));
    };
    if (!time_) return missing("time");
    if (!latency_) return missing("latency");
    if (!outcome_) return missing("outcome");
    return std::nullopt;
  }

  // A time that is not negative. unit 0: the text has its own.
  std::optional<Error> read_time(const Row& row, const Field& field, double unit, Duration& out) const {
    if (unit == 0) {
      const auto parsed = parse_duration(field.text);
      if (!parsed) {
        return fault(row, field, fmt::format("'{}' is no time; it must be one such as 1.5s or 40ms", field.text));
      }
      out = *parsed;
      return std::nullopt;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(field.text.data(), field.text.data() + field.text.size(), value);
    // Ten years, as parse_duration has it.
    if (error != std::errc() || end != field.text.data() + field.text.size() || !(value >= 0) ||
        value * unit > 3.2e17) {
      return fault(row, field, fmt::format("'{}' is no time; it must be a number from 0, such as 40.5", field.text));
    }
    out = Duration(static_cast<Duration::rep>(std::llround(value * unit)));
    return std::nullopt;
  }

  std::optional<Error> read_plain(const Row& row) {
    TraceCall call;
    if (auto bad = read_time(row, row.fields[*time_], time_unit_, call.at)) return bad;
    if (auto bad = read_time(row, row.fields[*latency_], latency_unit_, call.latency)) return bad;
    const Field& outcome = row.fields[*outcome_];
    for (std::size_t i = 0; i < core::kOutcomes; ++i) {
      const auto one = static_cast<core::Outcome>(i);
      if (outcome.text != core::to_string(one)) continue;
      call.outcome = one;
      trace_.calls.push_back(call);
      return std::nullopt;
    }
    return fault(
        row, outcome,
        fmt::format("'{}' is no outcome; it must be success, failure, timeout, cancelled or ignored", outcome.text));
  }

  std::optional<Error> read_load(const Row& row) {
    const Field& sent = row.fields[3];
    const Field& done = row.fields[5];
    const Field& status = row.fields[6];
    const std::string_view fallback = row.fields[7].text;
    const std::string_view error = row.fields[8].text;
    if (sent.text.empty()) {
      ++trace_.skipped;
      return std::nullopt;
    }
    TraceCall call;
    Duration until{};
    if (auto bad = whole_nanos(row, sent, call.at)) return bad;
    if (auto bad = whole_nanos(row, done, until)) return bad;
    if (until < call.at) return fault(row, done, "done before it was sent");
    call.latency = until - call.at;
    if (status.text.empty()) {
      if (error.empty()) return fault(row, status, "neither a status nor an error");
      call.outcome = error == "timeout"      ? core::Outcome::timeout
                     : error == "unfinished" ? core::Outcome::cancelled
                                             : core::Outcome::failure;
    } else {
      int code = 0;
      const auto [end, wrong] = std::from_chars(status.text.data(), status.text.data() + status.text.size(), code);
      if (wrong != std::errc() || end != status.text.data() + status.text.size() || code < 100 || code > 599) {
        return fault(row, status, fmt::format("'{}' is no status; it must be from 100 to 599", status.text));
      }
      call.outcome = code >= 500 ? core::Outcome::failure : core::Outcome::success;
      // What a proxy of ours answered for the backend.
      if (fallback == "timeout") call.outcome = core::Outcome::timeout;
      if (fallback == "error") call.outcome = core::Outcome::failure;
      if (fallback == "open") call.outcome = core::Outcome::ignored;
    }
    trace_.calls.push_back(call);
    return std::nullopt;
  }

  std::optional<Error> whole_nanos(const Row& row, const Field& field, Duration& out) const {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(field.text.data(), field.text.data() + field.text.size(), value);
    if (error != std::errc() || end != field.text.data() + field.text.size() || value < 0) {
      return fault(row, field, fmt::format("'{}' is no time; it must be whole nanoseconds", field.text));
    }
    out = Duration(value);
    return std::nullopt;
  }

  std::string_view text_;
  const std::string_view file_;
  std::size_t line_ = 0;
  std::size_t columns_ = 0;
  bool of_load_ = false;
  std::optional<std::size_t> time_;
  std::optional<std::size_t> latency_;
  std::optional<std::size_t> outcome_;
  double time_unit_ = 0;
  double latency_unit_ = 0;
  Trace trace_;
};

}  // namespace

Result<Trace> parse_trace(std::string_view text, std::string_view file) {
  return TraceReader(text, file).read();
}

}  // namespace quoll::sim
