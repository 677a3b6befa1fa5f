#include "quoll/lab/paradox/callers.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "quoll/base/file.h"
#include "quoll/lab/harness/part.h"

namespace quoll::lab::paradox {

using harness::loopback;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1U << 20U;  // of a configuration
constexpr const char* kHowToInstall = "; ./dev bench paradox installs it";

Error missing(const std::string& what) {
  return {what + " is not there" + kHowToInstall, "not_installed"};
}

std::string whole_ms(Duration d) {
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(d).count());
}

CallerCommand quoll_command(Caller caller, const CallerPlace& place) {
  return {place.program,
          {"quoll",
           "proxy",
           "--listen",
           loopback(place.port),
           "--upstream",
           "http://" + loopback(place.upstream),
           "--admin",
           loopback(place.admin),
           "--timeout",
           format_duration(place.deadline),
           "--error-threshold",
           std::to_string(static_cast<int>(kThreshold * 100)),
           "--window",
           format_duration(kWindow),
           "--reset-timeout",
           format_duration(kReset),
           "--volume-threshold",
           "10",
           "--verdict",
           caller == Caller::quoll_timer ? "timer" : "arrival",
           "--fallback",
           "off",
           "--allow-pressure",
           "--log-level",
           "warn",
           "--seed",
           std::to_string(place.seed)}};
}

// The path of the filled-in configuration.
Result<std::string> configuration(const CallerPlace& place, const std::string& name) {
  const std::string source = place.peers + "/" + name + ".in";
  const auto text = read_file(source, kMostBytes);
  if (!text) return missing(source);
  std::string path = place.scratch + "/" + name;
  const auto written = write_file(path, fill_template(*text, {{"PORT", std::to_string(place.port)},
                                                              {"UPSTREAM", std::to_string(place.upstream)},
                                                              {"TIMEOUT", whole_ms(place.deadline) + "ms"},
                                                              {"DIR", place.scratch}}));
  if (!written) return written.error();
  return path;
}

Result<CallerCommand> node_command(Caller caller, const CallerPlace& place) {
  const std::string node = find_program("node");
  if (node.empty()) return missing("node");
  if (!fs::exists(place.peers + "/node/node_modules/opossum")) return missing(place.peers + "/node/node_modules");
  const std::string package = place.peers + "/../../../node";
  if (caller != Caller::node && !fs::exists(package + "/build/Release/quoll.node")) {
    return missing(package + "/build/Release/quoll.node");
  }
  return CallerCommand{
      node,
      {"node", place.peers + "/node/server.js", std::to_string(place.port), std::to_string(place.upstream),
       whole_ms(place.deadline), std::to_string(static_cast<int>(kThreshold * 100)), whole_ms(kReset),
       whole_ms(kWindow), caller == Caller::node ? "opossum" : package,
       caller == Caller::node_quoll_fetch ? "fetch" : "http"}};
}

}  // namespace

Result<CallerCommand> caller_command(Caller caller, const CallerPlace& place) {
  if (is_quoll(caller)) return quoll_command(caller, place);
  if (is_node(caller)) return node_command(caller, place);
  if (caller == Caller::go) {
    const std::string program = place.peers + "/go/caller";
    if (!fs::exists(program)) return missing(program);
    return CallerCommand{
        program, {"caller", std::to_string(place.port), std::to_string(place.upstream), whole_ms(place.deadline)}};
  }
  const std::string name(to_string(caller));
  const std::string program = find_program(name);
  if (program.empty()) return missing(name);
  const auto file = configuration(place, caller == Caller::nginx     ? "nginx.conf"
                                         : caller == Caller::haproxy ? "haproxy.cfg"
                                                                     : "Caddyfile");
  if (!file) return file.error();
  if (caller == Caller::nginx) return CallerCommand{program, {name, "-c", *file, "-p", place.scratch}};
  if (caller == Caller::haproxy) return CallerCommand{program, {name, "-f", *file, "-db"}};
  return CallerCommand{program, {name, "run", "--config", *file, "--adapter", "caddyfile"}};
}

std::string fill_template(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    const std::string place = "@" + name + "@";
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at + value.size())) {
      text.replace(at, place.size(), value);
    }
  }
  return text;
}

std::string find_program(std::string_view name) {
  const char* variable = std::getenv("PATH");
  std::string path =
      std::string(variable == nullptr ? "" : variable) + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:";
  while (!path.empty()) {
    const std::size_t end = path.find(':');
    const std::string candidate = path.substr(0, end) + "/" + std::string(name);
    path.erase(0, end == std::string::npos ? path.size() : end + 1);
    if (candidate.front() == '/' && fs::is_regular_file(candidate) && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return {};
}

std::vector<std::string> pressure_arguments(Pressure pressure, pid_t process, std::uint16_t control,
                                            std::uint64_t seed) {
  std::vector<std::string> arguments = {"pressure"};
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  switch (pressure) {
    case Pressure::none:
      break;
    case Pressure::loop100:
    case Pressure::loop600:
      add({"loop", "--target", "http://" + loopback(control), "--block",
           pressure == Pressure::loop100 ? "100ms" : "600ms", "--seed", std::to_string(seed)});
      break;
    case Pressure::quota:
      add({"quota", "--pid", std::to_string(process), "--percent", "20", "--neighbour", "--skip-unavailable"});
      break;
    case Pressure::cores:
      add({"cpu", "--cores", "all", "--nice", "0"});
      break;
    case Pressure::pause:
      add({"pause", "--pid", std::to_string(process), "--seed", std::to_string(seed)});
      break;
  }
  add({"--json"});
  return arguments;
}

pid_t working_process(Caller caller, pid_t started) {
  if (caller != Caller::nginx) return started;
  const std::string id = std::to_string(started);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  pid_t worker = 0;
  children >> worker;
  return children ? worker : 0;
}

Duration cpu_wait_of(pid_t pid) {
  std::int64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator it("/proc/" + std::to_string(pid) + "/task", error), end; !error && it != end;
       it.increment(error)) {
    std::ifstream file(it->path() / "schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    if (file >> ran >> waited) sum += waited;
  }
  return Duration(sum);
}

}  // namespace quoll::lab::paradox
