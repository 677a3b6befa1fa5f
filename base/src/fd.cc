#include "quoll/base/fd.h"

#include <unistd.h>

#include <cerrno>

namespace quoll {

void Fd::reset(int fd) {
  const int before = errno;
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  errno = before;
}

}  // namespace quoll
