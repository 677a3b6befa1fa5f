#include "quoll/lab/backend/truth.h"

#include <fmt/format.h>

#include <iterator>

#include "quoll/base/assert.h"
#include "quoll/telemetry/json.h"

namespace quoll::lab::backend {

std::string_view to_string(End end) {
  switch (end) {
    case End::pending:
      return "pending";
    case End::answered:
      return "answered";
    case End::client_left:
      return "client_left";
    case End::reset:
      return "reset";
    case End::truncated:
      return "truncated";
    case End::stopped:
      return "stopped";
  }
  return "unknown";
}

std::uint64_t TruthLog::add(TruthRecord record) {
  if (records_.size() >= bound_) {
    records_.pop_front();
    ++first_;
    ++dropped_;
  }
  records_.push_back(std::move(record));
  return next() - 1;
}

TruthRecord* TruthLog::find(std::uint64_t number) {
  if (number < first_ || number >= next()) return nullptr;
  return &records_[number - first_];
}

std::size_t TruthLog::clear() {
  const std::size_t count = records_.size();
  first_ += count;
  records_.clear();
  records_.shrink_to_fit();
  return count;
}

void TruthLog::append_json(std::uint64_t number, std::string& out) const {
  QUOLL_ASSERT(number >= first_ && number < next());
  const TruthRecord& record = records_[number - first_];
  const auto nanos = [](const std::optional<TimePoint>& at) {
    return at ? std::optional(at->time_since_epoch().count()) : std::nullopt;
  };
  telemetry::JsonWriter(out)
      .begin_object()
      .member("seq", number)
      .member("id", record.id)
      .member("received_ns", record.received.time_since_epoch().count())
      .member("sending_ns", nanos(record.sending))
      .member("answered_ns", nanos(record.answered))
      .key("planned_ms")
      .fixed(to_millis(record.planned), 3)
      .member("status", record.status)
      .member("mode", to_string(record.mode))
      .member("end", to_string(record.end))
      .end_object();
  out += '\n';
}

}  // namespace quoll::lab::backend
