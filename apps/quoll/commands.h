// The subcommands of the `quoll` binary: one function and one file each. Each adds its options to the app it is given
// and stores in `run` what to do when it is chosen; `run` returns the exit code (0 success, 1 the run found what it
// should report as failure, 2 bad usage or configuration).
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace quoll::apps {

using Run = std::function<int()>;

void add_proxy(CLI::App& app, Run& run);
void add_backend(CLI::App& app, Run& run);
void add_pressure(CLI::App& app, Run& run);
void add_load(CLI::App& app, Run& run);
void add_lab(CLI::App& app, Run& run);
void add_paradox(CLI::App& lab, Run& run);
// And two more: `timeouts` and `flood`.
void add_policy_labs(CLI::App& lab, Run& run);
void add_sim(CLI::App& app, Run& run);
void add_check(CLI::App& app, Run& run);
void add_status(CLI::App& app, Run& run);

// A terminal that goes away ends a command as Ctrl-C does, in order; not where nohup has the signal ignored.
void end_on_hangup(void (*handler)(int));

}  // namespace quoll::apps
