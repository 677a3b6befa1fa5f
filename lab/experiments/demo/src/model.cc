#include "quoll/lab/demo/model.h"

#include <algorithm>

namespace quoll::lab::demo {

using harness::count_of;
using harness::CountMap;

namespace {

std::uint64_t total(const CountMap& counts) {
  std::uint64_t sum = 0;
  for (const auto& entry : counts) sum += entry.second;
  return sum;
}

CountMap minus(const CountMap& after, const CountMap& before) {
  CountMap out;
  for (const auto& [key, count] : after) {
    const std::uint64_t was = count_of(before, key);
    if (count > was) out[key] = count - was;
  }
  return out;
}

void add(CountMap& into, const CountMap& from) {
  for (const auto& [key, count] : from) into[key] += count;
}

bool all_pass(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.pass; });
}

}  // namespace

std::uint64_t Traffic::error_count() const {
  return total(errors);
}

std::uint64_t Traffic::fallbacks() const {
  return total(fallback) - answered();
}

void Traffic::add_counts(const Traffic& other) {
  requests += other.requests;
  add(status, other.status);
  add(fallback, other.fallback);
  add(errors, other.errors);
}

Counters difference(const Counters& after, const Counters& before) {
  return {.events = minus(after.events, before.events), .attempts = minus(after.attempts, before.attempts)};
}

bool RunRecord::ok() const {
  if (!problems.empty() || interrupted || !all_pass(checks)) return false;
  return std::all_of(phases.begin(), phases.end(), [](const PhaseRecord& record) {
    return all_pass(record.checks) && std::all_of(record.findings.begin(), record.findings.end(),
                                                  [](const harness::Claim& finding) { return finding.pass; });
  });
}

}  // namespace quoll::lab::demo
