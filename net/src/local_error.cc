#include "quoll/net/local_error.h"

#include <cerrno>

namespace quoll::net {

LocalLack local_lack(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
      return LocalLack::descriptors;
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC:
      return LocalLack::memory;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:
      return LocalLack::ports;
    case EPERM:
    case EACCES:
      return LocalLack::permission;
    case ENETDOWN:
      return LocalLack::network;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return LocalLack::support;
    default:
      return LocalLack::nothing;
  }
}

const char* to_string(LocalLack lack) {
  switch (lack) {
    case LocalLack::nothing:
      return "nothing is lacking";
    case LocalLack::descriptors:
      return "out of file descriptors";
    case LocalLack::memory:
      return "out of memory for sockets";
    case LocalLack::ports:
      return "out of local ports";
    case LocalLack::permission:
      return "a local rule forbids the connection";
    case LocalLack::network:
      return "the local network is down";
    case LocalLack::support:
      return "this machine does not support the protocol";
  }
  return "unknown";
}

const char* word(LocalLack lack) {
  switch (lack) {
    case LocalLack::nothing:
      return "none";
    case LocalLack::descriptors:
      return "descriptors";
    case LocalLack::memory:
      return "memory";
    case LocalLack::ports:
      return "ports";
    case LocalLack::permission:
      return "permission";
    case LocalLack::network:
      return "network";
    case LocalLack::support:
      return "support";
  }
  return "unknown";
}

}  // namespace quoll::net
