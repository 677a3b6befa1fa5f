#include "cpu_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "check.h"
#include "quoll/base/fd.h"

namespace quoll::lab::pressure {

namespace {

constexpr int kRestoreTries = 200;
constexpr auto kRestoreWait = std::chrono::milliseconds(5);

Result<void> write_control(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return system_error("opening " + path, errno);
  if (::write(file.get(), text.data(), text.size()) >= 0) return {};
  return system_error("writing '" + text + "' to " + path, errno);
}

bool has_word(std::string_view list, std::string_view word, char separator) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct Hierarchy {
  int version = 0;
  std::string root;
};

// Version 1 first: where it holds the cpu controller, version 2 does not have it.
Hierarchy find_hierarchy(const std::string& mounts) {
  std::ifstream file(mounts);
  Hierarchy unified;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string type;
    std::string flags;
    words >> device >> path >> type >> flags;
    if (type == "cgroup" && has_word(flags, "cpu", ',')) return {1, path};
    if (type == "cgroup2" && has_word(first_line(path + "/cgroup.controllers"), "cpu", ' ')) unified = {2, path};
  }
  return unified;
}

// The group of a process in a hierarchy, from lines such as "0::/user.slice" or "4:cpu,cpuacct:/".
std::string find_home(const Hierarchy& where, int pid) {
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool ours = where.version == 2 ? controllers.empty() : has_word(controllers, "cpu", ',');
    if (!ours) continue;
    const std::string home = where.root + line.substr(second + 1);
    // In a container the path may be the host's; the mount's root is then the nearest that is ours.
    if (::access((home + "/cgroup.procs").c_str(), F_OK) == 0) return home;
  }
  return where.root;
}

}  // namespace

CpuGroup::CpuGroup(int version, std::string root, std::string home)
    : version_(version), root_(std::move(root)), home_(std::move(home)) {}

CpuGroup::CpuGroup(CpuGroup&& other) noexcept
    : version_(other.version_),
      root_(std::move(other.root_)),
      home_(std::move(other.home_)),
      group_(std::exchange(other.group_, {})),
      enabled_cpu_(std::exchange(other.enabled_cpu_, false)) {}

Result<CpuGroup> CpuGroup::find(const std::string& mounts, int pid) {
  const Hierarchy where = find_hierarchy(mounts);
  if (where.version == 0) {
    return Error{"no control group hierarchy with the cpu controller is mounted here", "not_permitted"};
  }
  return CpuGroup(where.version, where.root, find_home(where, pid));
}

Result<void> CpuGroup::create(const std::string& name, Duration quota, Duration period) {
  const std::string group = root_ + "/" + name;
  const auto micros = [](Duration d) { return std::chrono::duration_cast<std::chrono::microseconds>(d).count(); };
  if (version_ == 2 && !has_word(first_line(root_ + "/cgroup.subtree_control"), "cpu", ' ')) {
    if (auto enabled = write_control(root_ + "/cgroup.subtree_control", "+cpu"); !enabled) {
      return Error{enabled.error().message + " (the cpu controller is not handed down to groups here)",
                   "not_permitted"};
    }
    enabled_cpu_ = true;
  }
  if (::mkdir(group.c_str(), 0755) != 0) return system_error("making the control group " + group, errno);
  group_ = group;
  Result<void> limited;
  if (version_ == 2) {
    limited = write_control(group + "/cpu.max", fmt::format("{} {}", micros(quota), micros(period)));
  } else {
    limited = write_control(group + "/cpu.cfs_period_us", std::to_string(micros(period)));
    if (limited) limited = write_control(group + "/cpu.cfs_quota_us", std::to_string(micros(quota)));
  }
  if (!limited) (void)restore().has_value();
  return limited;
}

Result<void> CpuGroup::move_in(int pid) {
  return write_control(group_ + "/cgroup.procs", std::to_string(pid));
}

Result<void> CpuGroup::restore() {
  if (group_.empty()) return {};
  // Processes may fork while they are moved, and a group is busy for a moment after its last process has gone.
  int error = 0;
  for (int i = 0; i < kRestoreTries; ++i) {
    std::ifstream inside(group_ + "/cgroup.procs");
    for (std::string pid; std::getline(inside, pid);) {
      if (!write_control(home_ + "/cgroup.procs", pid)) (void)write_control(root_ + "/cgroup.procs", pid).has_value();
    }
    if (::rmdir(group_.c_str()) == 0 || errno == ENOENT) {
      group_.clear();
      if (std::exchange(enabled_cpu_, false)) {
        (void)write_control(root_ + "/cgroup.subtree_control", "-cpu").has_value();
      }
      return {};
    }
    error = errno;
    std::this_thread::sleep_for(kRestoreWait);
  }
  return system_error("removing the control group " + std::exchange(group_, {}), error);
}

CpuGroup::Throttling CpuGroup::throttling() const {
  Throttling out;
  std::ifstream file(group_ + "/cpu.stat");
  std::string name;
  for (std::int64_t value = 0; file >> name >> value;) {
    if (name == "nr_periods") out.periods = value;
    if (name == "nr_throttled") out.throttled = value;
    if (name == "throttled_usec") out.time = std::chrono::microseconds(value);
    if (name == "throttled_time") out.time = std::chrono::nanoseconds(value);
  }
  return out;
}

}  // namespace quoll::lab::pressure
