// The flood in words, tables and JSON.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "quoll/lab/flood/flood.h"
#include "quoll/lab/harness/record_json.h"
#include "quoll/lab/harness/text.h"

namespace quoll::lab::flood {

using harness::Claim;
using harness::grouped;
using harness::ms_text;
using harness::Table;

namespace {

namespace json = boost::json;

json::object cell_json(const Cell& cell) {
  json::array series;
  for (const double value : cell.goodput_series) series.push_back(std::round(value));
  return {{"factor", cell.factor},
          {"controlled", cell.controlled},
          {"command", cell.command},
          {"rate_per_s", std::round(cell.rate)},
          {"length_s", to_seconds(cell.length)},
          {"calls", cell.calls},
          {"answered_in_deadline", cell.in_deadline},
          {"answered_late", cell.late},
          {"refused", cell.shed},
          {"timeouts", cell.timeouts},
          {"lost", cell.lost},
          {"goodput_per_s", std::round(cell.goodput)},
          {"p50_ms", rounded_millis(cell.p50)},
          {"p99_ms", rounded_millis(cell.p99)},
          {"refused_p50_ms", rounded_millis(cell.shed_p50)},
          {"queue_delay_mean_ms", rounded_millis(cell.queue_delay)},
          {"openings", cell.openings},
          {"peak_memory_bytes", cell.peak_memory},
          {"goodput_series_per_s", std::move(series)}};
}

const Cell* find(const Group& group, unsigned factor, bool controlled) {
  const auto found = std::find_if(group.cells.begin(), group.cells.end(), [&](const Cell& cell) {
    return cell.factor == factor && cell.controlled == controlled;
  });
  return found == group.cells.end() ? nullptr : &*found;
}

void claim_backend(const Group& group, std::vector<Claim>& out) {
  for (const unsigned factor : kFactors) {
    const Cell* without = find(group, factor, false);
    const Cell* with = find(group, factor, true);
    if (factor == 1 || without == nullptr || with == nullptr) continue;
    out.push_back({with->goodput >= kLeastGain * without->goodput && with->goodput > 0,
                   fmt::format("backend, {} times the capacity: {} good answers a second with control, {} without (at "
                               "least {} times as many)",
                               factor, grouped(std::llround(with->goodput)), grouped(std::llround(without->goodput)),
                               kLeastGain)});
  }
}

void claim_proxy(const Group& group, std::vector<Claim>& out) {
  const Cell* without = find(group, 1, false);
  const Cell* with = find(group, 1, true);
  if (without == nullptr || with == nullptr) return;
  out.push_back({with->p99 <= kDeadline && with->goodput > 0,
                 fmt::format("proxy, at its capacity: 99 % of the answers came within {} ms with control, {} without "
                             "(the deadline is {})",
                             ms_text(with->p99), ms_text(without->p99), format_duration(kDeadline))});
}

}  // namespace

std::vector<Claim> claims(const Record& record) {
  std::vector<Claim> out;
  for (const Group& group : record.groups) {
    (group.bottleneck == Bottleneck::proxy ? claim_proxy : claim_backend)(group, out);
  }
  return out;
}

bool Record::ok() const {
  const std::vector<Claim> all = claims(*this);
  return problems.empty() && !all.empty() && std::all_of(all.begin(), all.end(), [](const Claim& c) { return c.pass; });
}

std::vector<std::string> table_of(const Group& group) {
  Table table({"load", "control", "calls/s", "good/s", "late", "refused", "timeouts", "lost", "p50 ms", "p99 ms",
               "queue ms", "MB"});
  for (const Cell& cell : group.cells) {
    table.add({fmt::format("{}x", cell.factor), cell.controlled ? "on" : "off", grouped(std::llround(cell.rate)),
               grouped(std::llround(cell.goodput)), grouped(cell.late), grouped(cell.shed), grouped(cell.timeouts),
               grouped(cell.lost), ms_text(cell.p50), ms_text(cell.p99), ms_text(cell.queue_delay),
               fmt::format("{:.1f}", static_cast<double>(cell.peak_memory) / 1e6)});
  }
  return table.lines();
}

std::string to_json(const Record& record) {
  json::array groups;
  for (const Group& group : record.groups) {
    json::array cells;
    for (const Cell& cell : group.cells) cells.push_back(cell_json(cell));
    groups.push_back(json::object{{"bottleneck", to_string(group.bottleneck)},
                                  {"title", title(group.bottleneck)},
                                  {"skipped", group.skipped},
                                  {"capacity_per_s", std::round(group.capacity)},
                                  {"cells", std::move(cells)}});
  }
  return json::serialize(json::object{{"experiment", "flood"},
                                      {"ok", record.ok()},
                                      {"seed", record.seed},
                                      {"command", record.command},
                                      {"deadline_ms", rounded_millis(kDeadline)},
                                      {"quota_percent", kQuotaPercent},
                                      {"environment", harness::to_object(record.environment)},
                                      {"claims", harness::to_array(claims(record))},
                                      {"problems", harness::to_array(record.problems)},
                                      {"interrupted", record.interrupted},
                                      {"groups", std::move(groups)}});
}

}  // namespace quoll::lab::flood
