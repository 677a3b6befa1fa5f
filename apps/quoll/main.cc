// The entry point: one subcommand per file, none of which knows another.

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "commands.h"

int main(int argc, char** argv) {
  // A peer that goes away is an error value from send(), not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  // Nor is a signal that other programs take as a command a reason to die.
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGUSR2, SIG_IGN);

  CLI::App app{"Quoll: a circuit breaker that can tell its own stall from its dependency's failure"};
  app.set_version_flag("--version", "quoll 0.1.0");
  app.require_subcommand(1);
  quoll::apps::Run run;
  quoll::apps::add_proxy(app, run);
  quoll::apps::add_check(app, run);
  quoll::apps::add_status(app, run);
  quoll::apps::add_load(app, run);
  quoll::apps::add_lab(app, run);
  quoll::apps::add_sim(app, run);
  quoll::apps::add_backend(app, run);
  quoll::apps::add_pressure(app, run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    app.exit(error, std::cout, std::cerr);
    return 2;
  }
  return run ? run() : 0;
}
