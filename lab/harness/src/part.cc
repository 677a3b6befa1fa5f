#include "quoll/lab/harness/part.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace quoll::lab::harness {

using std::chrono::milliseconds;

std::string loopback(std::uint16_t port) {
  return fmt::format("127.0.0.1:{}", port);
}

net::HttpClient client_of(std::uint16_t port, Duration timeout) {
  return {"127.0.0.1", port, {.timeout = timeout}};
}

Result<void> control_backend(std::uint16_t port, const boost::json::object& change) {
  const std::string json = boost::json::serialize(change);
  const auto answer = client_of(port).post("/control", json);
  if (!answer) return Error{answer.error().message, "part"};
  if (answer->status / 100 == 2) return {};
  return Error{fmt::format("the backend refused {}: {} {}", json, answer->status, answer->body), "part"};
}

Error part_failure(Process& process, const std::string& what) {
  std::string text = fmt::format("{} {}\n  it was started as: {}", process.name(), what, process.command_line());
  const std::vector<std::string> tail = process.tail();
  text += tail.empty() ? "\n  it said nothing" : "\n  its last lines:";
  for (const std::string& line : tail) text += "\n    " + line;
  return {text, "part"};
}

Error stopped_error() {
  return {"stopped", "stopped"};
}

Result<std::unique_ptr<Process>> launch_part(const std::string& program, const std::string& name,
                                             std::vector<std::string> arguments,
                                             std::function<void(std::string_view)> on_line) {
  arguments.insert(arguments.begin(), "quoll");
  return Process::start(
      {.name = name, .program = program, .command = std::move(arguments), .on_line = std::move(on_line)});
}

Result<void> wait_healthy(Process& process, std::uint16_t port, const StopSignal& stop) {
  const net::HttpClient client = client_of(port, milliseconds(500));
  const TimePoint end = steady_now() + kStartLimit;
  std::string last = "it did not answer";
  while (steady_now() < end) {
    const Result<std::string> health = client.get_ok("/health");
    if (health) return {};
    last = health.error().message;
    if (const auto ended = process.wait(milliseconds(10))) {
      return part_failure(process, "ended with " + ended->describe() + " before it was ready");
    }
    if (stop.wait_for(milliseconds(10))) return stopped_error();
  }
  return part_failure(process, fmt::format("was not healthy within {}: {}", format_duration(kStartLimit), last));
}

}  // namespace quoll::lab::harness
