// The end of a connection whose peer may still be sending.
//
// Loop-confined.
#pragma once

#include "quoll/net/stamped_socket.h"

namespace quoll::proxy {

// Closes so that the client can still read the answer: sends our end first and reads what the client has under way.
net::Task<void> lingering_close(net::StampedSocket& client);

}  // namespace quoll::proxy
