// A small finished run for tests: two phases, the second with an outage.
#pragma once

#include "quoll/lab/demo/cross_check.h"
#include "quoll/lab/demo/model.h"

namespace quoll::lab::demo::samples {

inline constexpr Duration kSecond = std::chrono::seconds(1);

// 100 calls: 60 answered, 30 rejected, 4 timeouts, 6 errors.
inline Traffic outage_traffic() {
  return {.requests = 100,
          .rps = 50,
          .p50 = std::chrono::milliseconds(60),
          .p95 = std::chrono::milliseconds(80),
          .p99 = std::chrono::milliseconds(500),
          .max = std::chrono::milliseconds(501),
          .status = {{"200", 100}},
          .fallback = {{"none", 60}, {"open", 30}, {"timeout", 4}, {"error", 6}},
          .errors = {{"connect", 0}}};
}

inline Counters outage_counters() {
  return {.events = {{"success", 60}, {"reject", 30}, {"timeout", 4}, {"failure", 6}, {"fallback", 40}, {"open", 1}},
          .attempts = {{"success", 57}, {"rescued", 3}, {"timeout", 4}, {"failure", 6}}};
}

inline RunRecord small_run() {
  RunRecord run;
  run.environment.started_at = "2026-01-02T03:04:05.678Z";
  run.planned = 4 * kSecond;
  run.verdict = "arrival";
  PhaseRecord calm;
  calm.phase.name = "calm";
  calm.phase.sentence = "Nothing happens.";
  calm.phase.expectation = {.never_opens = true, .ends_closed = true, .no_timeouts = true};
  calm.end = 2 * kSecond;
  calm.complete = true;
  calm.traffic = {.requests = 10, .rps = 5, .fallback = {{"none", 10}}};
  calm.counters = {.events = {{"success", 10}}, .attempts = {{"success", 10}}};
  PhaseRecord outage;
  outage.phase.name = "outage";
  outage.phase.sentence = "The backend fails.";
  outage.phase.expectation = {.opens = true};
  outage.start = 2 * kSecond;
  outage.end = 4 * kSecond;
  outage.complete = true;
  outage.traffic = outage_traffic();
  outage.counters = outage_counters();
  run.phases = {calm, outage};
  run.changes = {{.sequence = 1,
                  .at = 3 * kSecond,
                  .from = "closed",
                  .to = "open",
                  .reason = "failure_rate",
                  .text = "opened: 6 of 10 calls failed"}};
  for (int i = 0; i < 8; ++i) {
    run.samples.push_back({.at = i * kSecond / 2,
                           .state = i < 6 ? "closed" : "open",
                           .explanation = {},
                           .lag = std::chrono::milliseconds(i),
                           .lag_10s = std::chrono::milliseconds(i)});
  }
  run.ticks = {{.at = kSecond, .length = kSecond, .traffic = calm.traffic},
               {.at = 3 * kSecond, .length = kSecond, .traffic = outage.traffic}};
  run.marks = {{.at = 2 * kSecond, .text = "backend answers 503"}};
  summarise(run);
  return run;
}

}  // namespace quoll::lab::demo::samples
