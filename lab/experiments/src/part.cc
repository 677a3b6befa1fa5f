#include "quoll/lab/experiments/part.h"

#include <fmt/format.h>

#include "quoll/lab/experiments/http_client.h"

namespace quoll::lab::experiments {

using std::chrono::milliseconds;

std::string loopback(std::uint16_t port) {
  return fmt::format("127.0.0.1:{}", port);
}

Error part_failure(Process& process, const std::string& what) {
  std::string text = fmt::format("{} {}\n  it was started as: {}", process.name(), what, process.command_line());
  for (const std::string& line : process.tail()) text += "\n    " + line;
  return {text, "part"};
}

Result<std::unique_ptr<Process>> launch_part(const std::string& program, const std::string& name,
                                             std::vector<std::string> arguments,
                                             std::function<void(std::string_view)> on_line) {
  arguments.insert(arguments.begin(), "quoll");
  return Process::start(
      {.name = name, .program = program, .command = std::move(arguments), .on_line = std::move(on_line)});
}

Result<void> wait_healthy(Process& process, std::uint16_t port, const std::function<bool(Duration)>& rest) {
  const HttpClient client("127.0.0.1", port, milliseconds(500));
  const TimePoint end = steady_now() + kStartLimit;
  while (steady_now() < end) {
    if (client.get_ok("/health")) return {};
    if (const auto ended = process.wait(milliseconds(10))) {
      return part_failure(process, "ended with " + ended->describe() + " before it was ready");
    }
    if (!rest(milliseconds(10))) return Error{"stopped", "stopped"};
  }
  return part_failure(process, "was not ready within " + format_duration(kStartLimit));
}

}  // namespace quoll::lab::experiments
