// pause: lets a time pass on a loop, by its clock.
#pragma once

#include "quoll/net/loop.h"

namespace quoll::net {

// Until `until`; at once when it has passed. Loop-confined.
Task<void> pause(Loop& loop, TimePoint until);

}  // namespace quoll::net
