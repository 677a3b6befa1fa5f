// The entry point: one subcommand per file, none of which knows another.

#include <csignal>
#include <string>

#include "commands.h"
#include "quoll/base/version.h"

int main(int argc, char** argv) {
  // A peer that goes away is an error value from send(), not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  // Nor is a signal that other programs take as a command a reason to die.
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGUSR2, SIG_IGN);

  quoll::apps::Program program("Quoll: a circuit breaker that can tell its own stall from its dependency's failure",
                               std::string("quoll ") + quoll::version());
  const quoll::apps::Command root = program.root();
  quoll::apps::add_proxy(root);
  quoll::apps::add_check(root);
  quoll::apps::add_status(root);
  quoll::apps::add_load(root);
  quoll::apps::add_lab(root);
  quoll::apps::add_sim(root);
  quoll::apps::add_backend(root);
  quoll::apps::add_pressure(root);
  return program.run(argc, argv);
}
