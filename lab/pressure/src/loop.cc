#include "quoll/lab/pressure/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "check.h"
#include "quoll/base/rng.h"
#include "quoll/net/http_client.h"
#include "quoll/telemetry/json.h"
#include "target.h"

namespace quoll::lab::pressure {

namespace {

// The time that a blocked loop may take to answer, beyond the block itself.
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kMostAnswer = 64U << 10U;
constexpr std::uint64_t kMostWorkers = 1024;

std::optional<unsigned> worker_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value >= kMostWorkers) return std::nullopt;
  return value;
}

std::string request_body(const std::string& worker, Duration block) {
  return telemetry::json_object([&](telemetry::JsonWriter& out) {
    out.member("block_ms", std::max<std::int64_t>(1, std::chrono::round<std::chrono::milliseconds>(block).count()));
    out.key("worker");
    if (const auto number = worker_number(worker)) {
      out.value(*number);
    } else {
      out.value(worker);
    }
  });
}

// How many loops the answer says it blocks; 0 when it does not say.
std::int64_t blocked_loops(std::string_view body) {
  boost::system::error_code error;
  const auto value = boost::json::parse({body.data(), body.size()}, error);
  if (error || !value.is_object()) return 0;
  const auto* blocked = value.get_object().if_contains("blocked");
  return blocked != nullptr && blocked->is_int64() ? blocked->get_int64() : 0;
}

class LoopRun {
 public:
  LoopRun(const LoopOptions& options, net::HostPort target, const Sink& sink, const StopSignal& stop)
      : options_(options), target_(std::move(target)), sink_(sink), stop_(stop), rng_(options.seed) {}

  Result<void> run() {
    const TimePoint end = run_end(options_.duration, steady_now());
    TimePoint next = steady_now();
    while (!stop_.wait_for(std::min(next, end) - steady_now())) {
      if (steady_now() >= end) break;
      next = std::max(next, steady_now()) + rng_.uniform(options_.every.low, options_.every.high);
      if (auto blocked = block_once(); !blocked) return blocked;
    }
    say("done", {{"blocks", blocks_}}, fmt::format("{} blocks", blocks_));
    return {};
  }

 private:
  Result<void> block_once() {
    const Duration block = rng_.uniform(options_.block.low, options_.block.high);
    const TimePoint start = steady_now();
    std::string worker = options_.worker;
    const auto answer = options_.worker == "random" ? post_to_any(block, worker) : post_to(worker, block);
    if (stop_.requested()) return {};
    if (!answer) {
      unreachable(answer.error().message);
      return {};
    }
    if (!std::exchange(reachable_, true)) say("reachable", {}, options_.target + " answers");
    if (answer->status / 100 == 2) {
      ++blocks_;
      const std::int64_t loops = blocked_loops(answer->body);
      say_at("block", start,
             {{"block_ms", to_millis(block)},
              {"worker", worker},
              {"status", std::int64_t{answer->status}},
              {"blocked", loops},
              {"took_ms", to_millis(steady_now() - start)}},
             fmt::format("blocked {} for {}", loops == 1 ? "1 loop" : fmt::format("{} loops", loops), humanize(block)));
      return {};
    }
    return refused(*answer);
  }

  Result<net::HttpAnswer> post_to(const std::string& worker, Duration block) {
    const net::HttpClientOptions options{.timeout = block + kPatience, .most_bytes = kMostAnswer, .stop = &stop_};
    return net::HttpClient(target_.host, target_.port, options).post("/pressure", request_body(worker, block));
  }

  // How many workers there are is not known. A number is drawn from [0, bound_) until one is taken, and a refused one
  // lowers the bound: for any bound, the number taken is uniform over the workers that exist.
  Result<net::HttpAnswer> post_to_any(Duration block, std::string& worker) {
    for (;;) {
      const std::uint64_t pick = rng_.uniform_int(0, bound_ - 1);
      worker = std::to_string(pick);
      auto answer = post_to(worker, block);
      if (answer && answer->status == 400 && pick > 0) {
        bound_ = pick;
        continue;
      }
      // A refusal of number 0 has another reason, and a caller that comes back may have more workers.
      if (!answer || answer->status == 400) bound_ = kMostWorkers;
      return answer;
    }
  }

  Result<void> refused(const net::HttpAnswer& answer) {
    std::string why = fmt::format("{} answered POST /pressure with {}", options_.target, answer.status);
    if (answer.status == 403) why += ": it was not started with --allow-pressure";
    // Its first line: it goes on one line of ours.
    if (answer.status == 400) why += ": " + answer.body.substr(0, std::min<std::size_t>(200, answer.body.find('\n')));
    if (answer.status == 404) why += ": there is no such endpoint; is this the proxy's admin port?";
    if (answer.status == 403 && blocks_ == 0) return Error{why, "forbidden"};
    say("refused", {{"status", std::int64_t{answer.status}}}, why);
    return {};
  }

  // Said once per silence, not at each turn.
  void unreachable(const std::string& why) {
    if (std::exchange(told_unreachable_, true) && !reachable_) return;
    reachable_ = false;
    say("unreachable", {}, why + "; trying again at each turn");
  }

  void say(std::string_view name, std::vector<Event::Field> fields, std::string text) {
    say_at(name, steady_now(), std::move(fields), std::move(text));
  }
  void say_at(std::string_view name, TimePoint at, std::vector<Event::Field> fields, std::string text) {
    if (sink_) sink_({name, at, std::move(fields), std::move(text)});
  }

  const LoopOptions& options_;
  const net::HostPort target_;
  const Sink& sink_;
  const StopSignal& stop_;
  Rng rng_;
  std::int64_t blocks_ = 0;
  std::uint64_t bound_ = kMostWorkers;
  bool reachable_ = true;  // until found otherwise
  bool told_unreachable_ = false;
};

}  // namespace

std::vector<std::string> LoopOptions::validate() const {
  std::vector<std::string> faults;
  check_range(faults, "block", block, std::chrono::milliseconds(1), std::chrono::seconds(10));
  check_range(faults, "every", every, std::chrono::milliseconds(10), std::chrono::hours(1));
  if (worker != "all" && worker != "random" && !worker_number(worker)) {
    faults.push_back("worker is '" + worker + "'; it must be all, random, or a worker's number");
  }
  if (const auto where = parse_target(target); !where) faults.push_back(where.error().message);
  check_length(faults, duration);
  return faults;
}

Result<void> run_loop(const LoopOptions& options, const Sink& sink, const StopSignal& stop) {
  if (auto valid = to_result(options.validate()); !valid) return valid;
  return LoopRun(options, parse_target(options.target).value(), sink, stop).run();
}

}  // namespace quoll::lab::pressure
