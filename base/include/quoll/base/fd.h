// Fd: owns a file descriptor and closes it.
//
// Thread-compatible.
#pragma once

#include <utility>

namespace quoll {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}  // -1: none
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }

  int get() const { return fd_; }  // -1: none
  explicit operator bool() const { return fd_ >= 0; }
  // Gives it up, unclosed.
  int release() { return std::exchange(fd_, -1); }
  // errno is left as it was, so that a failure's reason outlives the clean-up.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace quoll
