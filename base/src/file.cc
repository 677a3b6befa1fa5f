#include "quoll/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace quoll {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

std::string size_text(std::size_t bytes) {
  constexpr std::size_t kMiB = 1U << 20U;
  if (bytes >= kMiB && bytes % kMiB == 0) return std::to_string(bytes / kMiB) + " MiB";
  return std::to_string(bytes) + " bytes";
}

Error cannot_read(const std::string& path, int why) {
  return {"cannot read '" + path + "': " + std::strerror(why) + "; give a readable file", "file"};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most) {
  // A path with a NUL in it would open another file than the one that was named.
  if (path.find('\0') != std::string::npos) return cannot_read(path.substr(0, path.find('\0')), EINVAL);
  // O_NONBLOCK: to open a pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return cannot_read(path, errno);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return cannot_read(path, errno);
  if (!S_ISREG(about.st_mode)) {
    return Error{"cannot read '" + path + "': it is " + kind_of(about.st_mode) + "; give a regular file", "file"};
  }
  // The size may change while it is read, and is 0 for the files of /proc.
  std::string out;
  std::size_t end = 0;
  for (;;) {
    out.resize(std::min(most + 1, std::max<std::size_t>(2 * end, 64 * 1024)));
    while (end < out.size()) {
      const ssize_t got = ::read(file.get(), out.data() + end, out.size() - end);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return cannot_read(path, errno);
      if (got == 0) {
        out.resize(end);
        return out;
      }
      end += static_cast<std::size_t>(got);
    }
    if (end > most) {
      return Error{"cannot read '" + path + "': it is larger than " + size_text(most), "file"};
    }
  }
}

}  // namespace quoll
