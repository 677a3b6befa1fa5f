#include "quoll/net/stall_monitor.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace quoll::net {
namespace {

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(" \t\n");
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\n", start), line.size());
    out.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
  return out;
}

// A counter in units of `unit`. What does not fit, or is negative, has not the expected form.
std::optional<Duration> counter(std::string_view text, Duration unit) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 0 || value > Duration::max() / unit) return std::nullopt;
  return unit * value;
}

// The next line of `text`, which is shortened by it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

std::optional<Duration> parse_schedstat_wait(std::string_view text) {
  const auto fields = words(text);
  if (fields.size() < 2) return std::nullopt;
  return counter(fields[1], Duration(1));
}

std::optional<Duration> parse_cgroup_throttled(std::string_view cpu_stat) {
  while (!cpu_stat.empty()) {
    const auto fields = words(take_line(cpu_stat));
    if (fields.size() != 2) continue;
    if (fields[0] == "throttled_usec") return counter(fields[1], std::chrono::microseconds(1));
    if (fields[0] == "throttled_time") return counter(fields[1], Duration(1));
  }
  return std::nullopt;
}

std::optional<Duration> parse_steal(std::string_view proc_stat, long ticks_per_second) {
  const auto fields = words(take_line(proc_stat));
  if (fields.size() < 9 || fields[0] != "cpu" || ticks_per_second <= 0) return std::nullopt;
  return counter(fields[8], Duration(std::chrono::seconds(1)) / ticks_per_second);
}

std::optional<CgroupPath> parse_cgroup_path(std::string_view text) {
  std::optional<CgroupPath> v2;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) v2 = CgroupPath{true, path};
    if (controllers == "cpu" || controllers == "cpu,cpuacct" || controllers == "cpuacct,cpu") {
      return CgroupPath{false, path};  // with v1 mounted for cpu, v2 has no cpu.stat that counts
    }
  }
  return v2;
}

StallMonitor::StallMonitor(std::string root) : root_(std::move(root)) {
  first_ = read();
  last_ = first_;
}

StallTotals StallMonitor::sample() {
  const StallTotals now = read();
  last_.run_queue = now.run_queue;
  last_.throttled = std::max(last_.throttled, now.throttled);
  last_.steal = std::max(last_.steal, now.steal);
  return {last_.run_queue - first_.run_queue, last_.throttled - first_.throttled, last_.steal - first_.steal};
}

StallTotals StallMonitor::read() {
  StallTotals out;
  out.run_queue = threads_waited();
  out.throttled = throttled();
  out.steal = parse_steal(slurp(root_ + "/proc/stat"), ::sysconf(_SC_CLK_TCK)).value_or(Duration::zero());
  return out;
}

// The sum over the threads would fall when one ends, so what each has added since the last look is summed up.
Duration StallMonitor::threads_waited() {
  std::map<std::string, Duration> threads;
  std::error_code error;
  std::filesystem::directory_iterator task(root_ + "/proc/self/task", error);
  for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) {
    const std::string id = task->path().filename();
    const Duration waited = parse_schedstat_wait(slurp(task->path() / "schedstat")).value_or(Duration::zero());
    const auto before = threads_.find(id);
    // Less than before: another thread that has got the id of one that ended.
    const bool same = before != threads_.end() && waited >= before->second;
    waited_ += same ? waited - before->second : waited;
    threads.emplace(id, waited);
  }
  threads_ = std::move(threads);
  return waited_;
}

Duration StallMonitor::throttled() const {
  const auto where = parse_cgroup_path(slurp(root_ + "/proc/self/cgroup"));
  if (!where) return {};
  // In a container the path of the host's hierarchy is not mounted; its own cgroup is then the mount's root.
  const std::string mount = where->v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
  for (const std::string& directory : {root_ + mount + where->path, root_ + mount}) {
    const auto found = parse_cgroup_throttled(slurp(directory + "/cpu.stat"));
    if (found) return *found;
  }
  return {};
}

}  // namespace quoll::net
