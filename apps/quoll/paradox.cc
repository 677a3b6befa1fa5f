// quoll lab paradox: who is fooled by a stall of his own.

#include "quoll/lab/paradox/paradox.h"

#include <iostream>
#include <memory>

#include "commands.h"
#include "faults.h"

namespace quoll::apps {

namespace {

using namespace lab::paradox;

// As typed.
struct ParadoxArguments {
  Options options;
  std::string callers;
  std::string pressures;
  std::string backends;
  std::string duration;
  std::string band = "2ms";
};

int paradox(ParadoxArguments& a) {
  Faults faults;
  faults.store("--callers", parse_callers(a.callers), a.options.choice.callers);
  faults.store("--pressures", parse_pressures(a.pressures), a.options.choice.pressures);
  faults.store("--backends", parse_backends(a.backends), a.options.choice.backends);
  faults.store("--guard-band", parse_duration(a.band), a.options.band);
  if (!a.duration.empty()) faults.store("--duration", parse_duration(a.duration), a.options.choice.length);
  const auto& length = a.options.choice.length;
  if (length && (*length < std::chrono::seconds(1) || *length > std::chrono::hours(1))) {
    faults.add("--duration: it must be from 1s to 1h");
  }
  if (a.options.band > std::chrono::seconds(1)) faults.add("--guard-band: it must be at most 1s");
  for (const std::string& fault : faults.all()) std::cerr << "quoll lab paradox: " << fault << "\n";
  return faults.none() ? lab::paradox::run(a.options) : 2;
}

}  // namespace

void add_paradox(Command lab) {
  auto a = std::make_shared<ParadoxArguments>();
  a->options.report = "quoll-paradox.html";
  const Command command = lab.subcommand(
      "paradox",
      "count who calls answers in time late: Quoll, Node with opossum and with quoll, Go, nginx, HAProxy, Caddy");
  command.flag("--quick", a->options.quick, "about 90 s instead of 9 minutes");
  command
      .option("--callers", a->callers, "of quoll,quoll-timer,node,node-quoll,node-quoll-fetch,go,nginx,haproxy,caddy")
      .type("A,B");
  command.option("--pressures", a->pressures, "of none,loop100,loop600,quota,cores,pause").type("A,B");
  command
      .option("--backends", a->backends,
              "of steady,edge,wide,unstable,outage; with --pressures, every pair of them is run")
      .type("A,B");
  command.option("--requests", a->options.choice.requests, "of each cell, instead of a time; not for an outage")
      .range(1U, 10'000'000U);
  command.option("--duration", a->duration, "of each cell, instead of the plan's").type("DUR");
  command.option("--guard-band", a->band, "calls whose answer is so close to the deadline are not judged")
      .show_default()
      .type("DUR");
  command.option("--seed", a->options.seed, "of all randomness; 0: taken from the system and printed").show_default();
  command.option("--peers", a->options.peers, "the folder with the other callers").show_default().type("DIR");
  command.option("--report", a->options.report, "the HTML report's file; '' for none").show_default().type("FILE.html");
  command.option("--json", a->options.json, "the whole result as one JSON object; - for standard output").type("FILE");
  command.runs([a, command] {
    a->options.command = "quoll lab " + command.as_given("seed");
    return paradox(*a);
  });
}

}  // namespace quoll::apps
