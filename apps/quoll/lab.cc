// quoll lab: the whole experiment from one command. `./dev demo` runs it.

#include "quoll/lab/demo/demo.h"

#include <memory>

#include "commands.h"

namespace quoll::apps {

void add_lab(Command app) {
  using lab::demo::Ports;
  auto options = std::make_shared<lab::demo::Options>();
  options->report = "quoll-lab.html";
  auto json = std::make_shared<bool>(false);
  auto no_live = std::make_shared<bool>(false);
  auto ports = std::make_shared<std::string>("auto");
  const Command command = app.subcommand(
      "lab", "run the whole experiment: backend, proxy, pressure and load through calm, outage, recovery and pressure");
  command.flag("--quick", options->quick, "about 20 s instead of 90, with a shorter window and reset timeout");
  command.flag("--no-live", *no_live, "plain lines also on a terminal");
  command.option("--report", options->report, "the HTML report's file; '' for none").show_default().type("FILE.html");
  command.flag("--json", *json, "print the whole result as one JSON object; all else goes to stderr");
  command.flag("--keep", options->keep, "leave backend and proxy up after the run, until Ctrl-C");
  command.option("--ports", *ports, "auto: 3000, 3001 and 3900 where free, else others; default: those or none")
      .one_of({"auto", "default"})
      .show_default();
  command.option("--rate", options->rate, "calls a second; 0: each of the callers waits for its answer first")
      .range(0U, 100'000U)
      .show_default();
  command.option("--connections", options->connections, "the most calls at a time").range(1U, 10'000U).show_default();
  command.option("--verdict", options->verdict, "how the proxy judges timeouts: by arrival, or by timer as others do")
      .one_of({"arrival", "timer"})
      .show_default();
  command.option("--seed", options->seed, "of all randomness in the parts; 0: taken from the system and printed")
      .show_default();
  add_paradox(command);
  add_policy_labs(command);
  command.runs([options, json, no_live, ports] {
    if (*json) options->json = "-";
    options->live = !*no_live;
    options->ports = *ports == "default" ? Ports::only_default : Ports::prefer_default;
    return lab::demo::run(*options);
  });
}

}  // namespace quoll::apps
