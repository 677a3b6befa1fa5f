// Run: the shell around every run of an experiment: its options, signals that end it in order, a folder for temporary
// files that goes with it, its output, its report, and its exit code.
//
//   Record record;
//   harness::Run run("flood", options, record);
//   if (!run.ready()) return 1;
//   ... run.context(), run.line(), run.failed() ...
//   return run.finish(record.ok(), to_json(record), page);
//
// Thread-compatible: one at a time, on the thread that lives to the end of the program (see process.h). While it lives
// it owns SIGINT, SIGTERM and SIGHUP.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/stop_signal.h"
#include "quoll/lab/harness/environment.h"
#include "quoll/lab/harness/part.h"

namespace quoll::lab::harness {

struct RunOptions {
  bool quick = false;       // shorter than usual
  std::uint64_t seed = 0;   // of all that is random; 0: taken from the system, and printed
  std::string report = {};  // the HTML report's file; empty: none
  std::string json = {};    // the JSON's file; "-": standard output, and all else to standard error; empty: none
  std::string program = "/proc/self/exe";  // the binary whose subcommands are the parts
  std::string command = {};                // how it was called, for the report
};
// The seed to use: the option's, or one from the system.
std::uint64_t seed_of(const RunOptions& options);

// A sentence about the result that can be right or wrong.
struct Claim {
  bool pass = false;
  std::string text = {};
};
// "PASS  the sentence".
std::string claim_line(const Claim& claim);

// The beginning of every experiment's record.
struct Record {
  Environment environment = {};
  std::uint64_t seed = 0;
  std::string command = {};
  std::vector<std::string> problems = {};
  bool interrupted = false;
};

// A folder in the system's place for such, readable by everybody, deleted with all that is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Empty when it could not be made.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Run {
 public:
  // name: as in "quoll lab timeouts". Fills in the record's environment, seed and command. Both arguments outlive it.
  Run(const std::string& name, const RunOptions& options, Record& record);

  // False when there is no place for temporary files, which has been said then.
  bool ready() const;
  const PartsContext& context() const { return context_; }

  void line(const std::string& text);
  void lines(const std::vector<std::string>& all);
  void claims(const std::vector<Claim>& all);
  // On a terminal, until the next line comes.
  void progress(std::string_view text);
  // A cell has failed: "stopped" makes the record interrupted, anything else is a problem of it. False when the run
  // shall end.
  bool failed(const std::string& cell, const Error& error);

  // Writes the report and the JSON that were asked for, and says so. Returns the exit code: 0; 1 when `ok` is false or
  // a file could not be written; 130 when the run was interrupted.
  int finish(bool ok, const std::string& json, const std::string& page);

 private:
  bool save(const std::string& path, const std::string& text, const char* what);
  void fault(const std::string& text) const;

  const std::string name_;
  const RunOptions& options_;
  Record& record_;
  std::FILE* const out_;
  StopSignal stop_;
  StopOnSignals signals_;
  Scratch scratch_;
  PartsContext context_;
};

}  // namespace quoll::lab::harness
