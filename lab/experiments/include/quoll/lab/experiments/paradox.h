// run_paradox(): the proof of what Quoll claims. The same backend with ground truth, the same load, the same pressure,
// one caller after another, and a count of what each of them got wrong.
//
// Like run_lab it never links the proxy. Not reentrant: while it runs it owns SIGINT, SIGTERM and SIGHUP.
#pragma once

#include <string>

#include "quoll/lab/experiments/paradox_plan.h"
#include "quoll/lab/experiments/paradox_verdicts.h"

namespace quoll::lab::experiments::paradox {

struct ParadoxOptions {
  Choice choice = {};
  // Half the distance within which a call is too close to call. Default 2 ms, range 0 to 1 s.
  Duration band = kGuardBand;
  // Of all that is random. 0: taken from the system, and printed.
  std::uint64_t seed = 0;
  // The folder with the other callers.
  std::string peers = "bench/peers/callers";
  // Where the HTML report goes; empty: none.
  std::string report = "quoll-paradox.html";
  // Where the JSON goes: empty for nowhere, "-" for standard output (all else then goes to standard error).
  std::string json = {};
  // The binary whose subcommands are the parts.
  std::string program = "/proc/self/exe";
  // How it was called, for the report.
  std::string command = {};
};

// The exit code: 0; 1 when Quoll by arrival was wrong once or a part failed; 2 when nothing is left to run; 130 when
// Ctrl-C ended the run.
int run_paradox(const ParadoxOptions& options);

}  // namespace quoll::lab::experiments::paradox
