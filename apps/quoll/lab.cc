// quoll lab: the whole experiment from one command. `./dev demo` runs it.

#include "quoll/lab/experiments/lab.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"

namespace quoll::apps {

void add_lab(CLI::App& app, Run& run) {
  using lab::experiments::LabOptions;
  using lab::experiments::Ports;
  auto options = std::make_shared<LabOptions>();
  auto no_live = std::make_shared<bool>(false);
  auto ports = std::make_shared<std::string>("auto");
  CLI::App* command = app.add_subcommand(
      "lab", "run the whole experiment: backend, proxy, pressure and load through calm, outage, recovery and pressure");
  command->add_flag("--quick", options->quick, "about 20 s instead of 90, with a shorter window and reset timeout");
  command->add_flag("--no-live", *no_live, "plain lines also on a terminal");
  command->add_option("--report", options->report, "the HTML report's file; '' for none")
      ->capture_default_str()
      ->type_name("FILE.html");
  command->add_flag("--json", options->json, "print the whole result as one JSON object; all else goes to stderr");
  command->add_flag("--keep", options->keep, "leave backend and proxy up after the run, until Ctrl-C");
  command->add_option("--ports", *ports, "auto: 3000, 3001 and 3900 where free, else others; default: those or none")
      ->check(CLI::IsMember({"auto", "default"}))
      ->capture_default_str();
  command->add_option("--rate", options->rate, "calls a second; 0: each of the callers waits for its answer first")
      ->check(CLI::Range(0U, 100'000U))
      ->capture_default_str();
  command->add_option("--connections", options->connections, "the most calls at a time")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  command
      ->add_option("--verdict", options->verdict, "how the proxy judges timeouts: by arrival, or by timer as others do")
      ->check(CLI::IsMember({"arrival", "timer"}))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "of all randomness in the parts; 0: taken from the system and printed")
      ->capture_default_str();
  add_paradox(*command, run);
  add_policy_labs(*command, run);
  command->callback([command, options, no_live, ports, &run] {
    if (!command->get_subcommands().empty()) return;  // it has chosen what to run
    options->live = !*no_live;
    options->ports = *ports == "default" ? Ports::only_default : Ports::prefer_default;
    run = [options] { return run_lab(*options); };
  });
}

}  // namespace quoll::apps
