// quoll lab timeouts, quoll lab flood: what policies do for a proxy, with numbers.

#include <memory>
#include <string>

#include "commands.h"
#include "quoll/lab/flood/flood.h"
#include "quoll/lab/timeouts/timeouts.h"

namespace quoll::apps {
namespace {

void add_experiment(Command lab, const std::string& name, const char* help,
                    int (*start)(const quoll::lab::harness::RunOptions&)) {
  auto options = std::make_shared<quoll::lab::harness::RunOptions>();
  options->report = "quoll-" + name + ".html";
  const Command command = lab.subcommand(name, help);
  command.flag("--quick", options->quick, "shorter phases");
  command.option("--seed", options->seed, "of all randomness; 0: taken from the system and printed").show_default();
  command.option("--report", options->report, "the HTML report's file; '' for none").show_default().type("FILE.html");
  command.option("--json", options->json, "the whole result as one JSON object; - for standard output").type("FILE");
  command.runs([options, name, start] {
    options->command = "quoll lab " + name + (options->quick ? " --quick" : "");
    return start(*options);
  });
}

}  // namespace

void add_policy_labs(Command lab) {
  add_experiment(lab, "timeouts", "a fixed timeout against an adaptive one", &quoll::lab::timeouts::run);
  add_experiment(lab, "flood", "more calls than can be served, uncontrolled and controlled", &quoll::lab::flood::run);
}

}  // namespace quoll::apps
