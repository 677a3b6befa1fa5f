// The paradox, the proof of what Quoll claims: the same backend with ground truth, the same load, the same pressure,
// one caller after another, and a count of what each of them got wrong.
//
// It never links the proxy. Thread rule: as harness::Run, see run.h.
#pragma once

#include <string>

#include "quoll/lab/harness/run.h"
#include "quoll/lab/paradox/plan.h"
#include "quoll/lab/paradox/verdicts.h"

namespace quoll::lab::paradox {

struct Options : harness::RunOptions {
  Choice choice = {};
  // Half the distance within which a call is too close to call. Default 2 ms, range 0 to 1 s.
  Duration band = kGuardBand;
  // The folder with the other callers.
  std::string peers = "bench/peers/callers";
};

// The exit code: 0; 1 when Quoll by arrival was wrong once or a part failed; 2 when nothing is left to run; 130 when
// Ctrl-C ended the run.
int run(const Options& options);

}  // namespace quoll::lab::paradox
