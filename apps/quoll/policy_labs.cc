// quoll lab timeouts, quoll lab flood: what policies do for a proxy, with numbers.

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
#include "quoll/lab/experiments/flood.h"
#include "quoll/lab/experiments/timeouts.h"

namespace quoll::apps {
namespace {

// Both take the same options.
template <typename Options>
void add_experiment(CLI::App& lab, Run& run, const char* name, const char* help, int (*start)(const Options&)) {
  auto options = std::make_shared<Options>();
  CLI::App* command = lab.add_subcommand(name, help);
  command->add_flag("--quick", options->quick, "shorter phases");
  command->add_option("--seed", options->seed, "of all randomness; 0: taken from the system and printed")
      ->capture_default_str();
  command->add_option("--report", options->report, "the HTML report's file; '' for none")
      ->capture_default_str()
      ->type_name("FILE.html");
  command->add_option("--json", options->json, "the whole result as one JSON object; - for standard output")
      ->type_name("FILE");
  command->callback([options, name, start, &run] {
    options->command = std::string("quoll lab ") + name + (options->quick ? " --quick" : "");
    run = [options, start] { return start(*options); };
  });
}

}  // namespace

void add_policy_labs(CLI::App& lab, Run& run) {
  using namespace lab::experiments;
  add_experiment<timeouts::Options>(lab, run, "timeouts", "a fixed timeout against an adaptive one", &timeouts::run);
  add_experiment<flood::Options>(lab, run, "flood", "more calls than can be served, uncontrolled and controlled",
                                 &flood::run);
}

}  // namespace quoll::apps
