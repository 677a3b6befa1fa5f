// Which errors of a socket call tell of this machine and not of the peer.
//
// A connection that could not be made because this process is out of descriptors says nothing of the service it was
// for. The caller that judges the service must be able to tell the two apart.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>

namespace quoll::net {

// What this machine has run out of.
enum class LocalLack : std::uint8_t {
  nothing,      // the error is not of this kind
  descriptors,  // EMFILE, ENFILE
  memory,       // ENOMEM, ENOBUFS, and ENOSPC, the limit of epoll's watches
  ports,        // EADDRNOTAVAIL, EADDRINUSE, EAGAIN: no local address is left to connect from
  permission,   // EPERM, EACCES: a local rule forbids it
  network,      // ENETDOWN: our own interface is down
  support,      // EAFNOSUPPORT, EPROTONOSUPPORT: this kernel cannot speak the protocol
};

inline constexpr unsigned kLocalLacks = 7;

// `error` is the errno of socket(), connect(), epoll_ctl(), sendmsg() or recvmsg() on TCP; 0 is nothing.
LocalLack local_lack(int error);

// "out of file descriptors"
const char* to_string(LocalLack lack);
// A word for a metric: "descriptors".
const char* word(LocalLack lack);

}  // namespace quoll::net
