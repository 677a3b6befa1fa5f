#include <fmt/format.h>

#include "figures.h"
#include "quoll/core/breaker_types.h"
#include "quoll/sim/report.h"
#include "table.h"

namespace quoll::sim {

namespace {

std::string count(std::uint64_t value) {
  return words(static_cast<double>(value), Unit::count);
}

}  // namespace

std::string hash_text(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::string to_text(const ScenarioResult& result) {
  std::string out = fmt::format("{}: {}\n", result.name, result.about);
  std::string course;
  for (const Phase& phase : result.plan.phases) {
    course += fmt::format("{}{} {}", course.empty() ? "" : ", ", phase.name, humanize(phase.to - phase.from));
  }
  out += fmt::format("course: {}\n\n", course);
  std::vector<std::string> head = {"set-up"};
  for (const Figure& figure : result.setups.front().figures) head.push_back(figure.title);
  Table table(head);
  for (const SetupResult& one : result.setups) {
    std::vector<std::string> row = {one.setup.name};
    for (const Figure& figure : one.figures) row.push_back(words(figure.value, figure.unit));
    table.add(row);
  }
  out += table.text() + "\n";
  for (const std::string& sentence : result.sentences) out += sentence + "\n";
  std::string repeat = fmt::format("quoll sim {} --seed {}", result.name, result.seed);
  for (const std::string& setting : result.settings) repeat += " --set " + setting;
  out += fmt::format("\nseed {}, hash {}, {} events; repeat with: {}\n", result.seed, hash_text(result.hash),
                     count(result.events), repeat);
  return out;
}

std::string to_text(const ReplayResult& result) {
  std::string outcomes;
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    if (result.outcomes[i] == 0) continue;
    outcomes += fmt::format("{}{} {}", outcomes.empty() ? "" : ", ", count(result.outcomes[i]),
                            core::to_string(static_cast<core::Outcome>(i)));
  }
  std::string out = fmt::format("{}: {} calls in {} ({}), p50 {}, p99 {}\n", result.file, count(result.calls),
                                humanize(result.length), outcomes, humanize(result.p50), humanize(result.p99));
  if (result.skipped > 0)
    out += fmt::format("{} rows of calls that were never sent are left out\n", count(result.skipped));

  Table breaker({"breaker", "opened", "first after", "not closed for", "rejected", "of them good", "failures spared"});
  Table timeout({"adaptive timeout", "least", "median", "most", "good ones cut off", "timeouts sooner",
                 "by, on average", "not sooner"});
  Table limit({"concurrency limit", "least", "most", "at the end", "refused", "most under way"});
  for (const VariantReplay& one : result.variants) {
    const BreakerReplay& b = one.breaker;
    std::string first = "–";
    for (const core::Transition& transition : b.transitions) {
      if (transition.to == core::State::open) {
        first = humanize(transition.at.time_since_epoch());
        break;
      }
    }
    breaker.add({one.name, count(b.opened), first, humanize(b.open_for), count(b.rejected), count(b.rejected_good),
                 count(b.rejected_bad)});
    const TimeoutReplay& t = one.timeout;
    timeout.add({one.name, humanize(t.least), humanize(t.median), humanize(t.most), count(t.cut_off), count(t.sooner),
                 t.sooner > 0 ? humanize(t.sooner_by) : "–", count(t.not_sooner)});
    const LimitReplay& l = one.limit;
    limit.add({one.name, count(l.least), count(l.most), count(l.at_end), count(l.refused), count(l.most_in_flight)});
  }
  out += fmt::format("\n{}\n{}\n{}", breaker.text(), timeout.text(), limit.text());
  constexpr std::size_t kShown = 12;
  for (const VariantReplay& one : result.variants) {
    const auto& transitions = one.breaker.transitions;
    if (transitions.empty()) continue;
    out += fmt::format("\nthe breaker \"{}\" would have\n", one.name);
    for (std::size_t i = 0; i < std::min(kShown, transitions.size()); ++i) {
      out += fmt::format("{:>10}  {}\n", fmt::format("{:.3f} s", to_seconds(transitions[i].at.time_since_epoch())),
                         core::explain(transitions[i]));
    }
    if (transitions.size() > kShown) {
      out += fmt::format("{:>10}  and {} more; --json has all\n", "", transitions.size() - kShown);
    }
  }
  return out;
}

}  // namespace quoll::sim
