#include "quoll/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "quoll/base/fd.h"

namespace quoll {
namespace {

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
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
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

Result<void> write_file(const std::string& path, std::string_view text) {
  struct stat about {};
  const bool in_place = ::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode);
  const std::string written = in_place ? path : path + ".part";
  std::FILE* file = std::fopen(written.c_str(), in_place ? "ae" : "we");
  bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int why = errno;
  if (file != nullptr && std::fclose(file) != 0) {
    why = good ? errno : why;
    good = false;
  }
  if (in_place && good) return {};
  if (!in_place && good && std::rename(written.c_str(), path.c_str()) == 0) return {};
  if (good) why = errno;
  if (!in_place) std::remove(written.c_str());
  return Error{"cannot write " + path + ": " + std::strerror(why), "file"};
}

}  // namespace quoll
