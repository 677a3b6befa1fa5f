#include "quoll/lab/paradox/record.h"

#include <algorithm>
#include <map>

namespace quoll::lab::paradox {

std::vector<Total> totals(const Record& run) {
  std::map<Caller, Total> sums;
  for (const GroupRecord& group : run.groups) {
    for (const CellRecord& cell : group.cells) {
      if (!cell.skipped.empty()) continue;
      Total& sum = sums[cell.caller];
      sum.caller = cell.caller;
      sum.calls += cell.summary.calls;
      sum.in_time += cell.summary.in_time;
      sum.false_timeouts += cell.summary.false_timeouts;
      sum.missed += cell.summary.missed;
      sum.false_opens += cell.summary.false_opens;
    }
  }
  std::vector<Total> out;
  out.reserve(sums.size());
  for (const auto& entry : sums) out.push_back(entry.second);
  return out;
}

bool Record::ok() const {
  for (const Total& total : totals(*this)) {
    if (total.caller != Caller::quoll_arrival) continue;
    if (total.false_timeouts > 0 || total.missed > 0 || total.false_opens > 0) return false;
  }
  return problems.empty();
}

std::vector<Tally> tally(const std::vector<Call>& calls, TimePoint start, Duration step) {
  std::map<std::int64_t, Tally> steps;
  for (const Call& call : calls) {
    const bool wrong = call.false_timeout;
    const bool right = call.said == Said::timeout && !wrong;
    if (!wrong && !right && !call.missed) continue;
    const std::int64_t number = (call.done - start) / step;
    Tally& one = steps[number];
    one.at = number * step;
    one.false_timeouts += wrong ? 1 : 0;
    one.true_timeouts += right ? 1 : 0;
    one.missed += call.missed ? 1 : 0;
  }
  std::vector<Tally> out;
  out.reserve(steps.size());
  for (const auto& entry : steps) out.push_back(entry.second);
  return out;
}

}  // namespace quoll::lab::paradox
