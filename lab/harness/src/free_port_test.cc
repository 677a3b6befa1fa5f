#include "quoll/lab/harness/free_port.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "quoll/base/fd.h"

namespace quoll::lab::harness {
namespace {

TEST(Ports, AListenerWithReusePortIsNotTakenForFree) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(fd.get(), 4), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  EXPECT_FALSE(port_is_free(ntohs(address.sin_port)));
  fd.reset();
  EXPECT_TRUE(port_is_free(ntohs(address.sin_port)));
}

}  // namespace
}  // namespace quoll::lab::harness
