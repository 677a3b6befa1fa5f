// quoll lab timeouts, quoll lab flood: what policies do for a proxy, with numbers.

#include <memory>

#include "commands.h"
#include "quoll/lab/experiments/flood.h"
#include "quoll/lab/experiments/timeouts.h"

namespace quoll::apps {
namespace {

// Both take the same options.
template <typename Options>
void add_experiment(Command lab, const char* name, const char* help, int (*start)(const Options&)) {
  auto options = std::make_shared<Options>();
  const Command command = lab.subcommand(name, help);
  command.flag("--quick", options->quick, "shorter phases");
  command.option("--seed", options->seed, "of all randomness; 0: taken from the system and printed").show_default();
  command.option("--report", options->report, "the HTML report's file; '' for none").show_default().type("FILE.html");
  command.option("--json", options->json, "the whole result as one JSON object; - for standard output").type("FILE");
  command.runs([options, name, start] {
    options->command = std::string("quoll lab ") + name + (options->quick ? " --quick" : "");
    return start(*options);
  });
}

}  // namespace

void add_policy_labs(Command lab) {
  using namespace lab::experiments;
  add_experiment<timeouts::Options>(lab, "timeouts", "a fixed timeout against an adaptive one", &timeouts::run);
  add_experiment<flood::Options>(lab, "flood", "more calls than can be served, uncontrolled and controlled",
                                 &flood::run);
}

}  // namespace quoll::apps
