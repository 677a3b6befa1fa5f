// The subcommands of the `quoll` binary: one function and one file each. Each adds its options to the command it is
// given, and what to do when it is chosen.
#pragma once

#include "command.h"

namespace quoll::apps {

void add_proxy(Command app);
void add_backend(Command app);
void add_pressure(Command app);
void add_load(Command app);
void add_lab(Command app);
void add_paradox(Command lab);
// And two more: `timeouts` and `flood`.
void add_policy_labs(Command lab);
void add_sim(Command app);
void add_check(Command app);
void add_status(Command app);

}  // namespace quoll::apps
