#include "quoll/lab/paradox/plan.h"

#include <algorithm>

namespace quoll::lab::paradox {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The time that starting and stopping a caller and its backend takes.
constexpr Duration kOverhead = milliseconds(1100);

template <typename T, std::size_t N>
Result<std::vector<T>> parse_list(std::string_view list, const std::array<T, N>& all, const char* what) {
  std::vector<T> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    const auto found = std::find_if(all.begin(), all.end(), [&](T one) { return to_string(one) == word; });
    if (found == all.end()) {
      std::string text = "'" + std::string(word) + "' is no " + what + "; there are";
      for (const T one : all) text += (one == all.front() ? " " : ", ") + std::string(to_string(one));
      return Error{text, "bad_options"};
    }
    if (std::find(out.begin(), out.end(), *found) == out.end()) out.push_back(*found);
  }
  return out;
}

template <typename T>
bool among(const std::vector<T>& chosen, T one) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), one) != chosen.end();
}

// The plan when nothing is asked for by name.
enum class Who : std::uint8_t { all, breakers, quolls };
struct Default {
  Pressure pressure;
  Backend backend;
  Who who;
  Duration length;
  Duration quick;  // 0: left out
};
constexpr Default kDefaults[] = {
    {Pressure::none, Backend::steady, Who::all, seconds(4), Duration::zero()},
    {Pressure::quota, Backend::steady, Who::all, seconds(8), milliseconds(3500)},
    {Pressure::quota, Backend::edge, Who::all, seconds(5), Duration::zero()},
    {Pressure::cores, Backend::steady, Who::all, seconds(5), Duration::zero()},
    {Pressure::pause, Backend::steady, Who::all, seconds(6), Duration::zero()},
    {Pressure::loop100, Backend::steady, Who::all, seconds(6), Duration::zero()},
    {Pressure::loop600, Backend::wide, Who::all, seconds(9), seconds(5)},
    {Pressure::none, Backend::unstable, Who::breakers, seconds(5), Duration::zero()},
    {Pressure::none, Backend::outage, Who::all, seconds(9), seconds(6)},
    {Pressure::loop100, Backend::outage, Who::breakers, seconds(9), Duration::zero()},
    {Pressure::quota, Backend::outage, Who::breakers, seconds(9), Duration::zero()},
};

bool takes_part(Who who, bool quick, Backend backend, Caller caller) {
  if (caller == Caller::node_quoll_fetch) return false;  // by name alone: it is node_quoll by another client
  if (who == Who::quolls) return is_quoll(caller);
  return (who == Who::all && !(quick && backend == Backend::outage)) || has_breaker(caller);
}

void add_group(std::vector<Group>& plan, const Choice& choice, bool quick, const Default& one) {
  Group group{one.pressure, one.backend, choice.length.value_or(quick ? one.quick : one.length),
              one.backend == Backend::outage ? 0 : choice.requests};
  for (const Caller caller : kCallers) {
    const bool named = !choice.callers.empty();
    if (!among(choice.callers, caller) || !applies(one.pressure, caller)) continue;
    if (named || takes_part(one.who, quick, one.backend, caller)) group.callers.push_back(caller);
  }
  if (!group.callers.empty()) plan.push_back(std::move(group));
}

}  // namespace

std::string_view to_string(Caller caller) {
  switch (caller) {
    case Caller::quoll_arrival:
      return "quoll";
    case Caller::quoll_timer:
      return "quoll-timer";
    case Caller::node:
      return "node";
    case Caller::node_quoll:
      return "node-quoll";
    case Caller::node_quoll_fetch:
      return "node-quoll-fetch";
    case Caller::go:
      return "go";
    case Caller::nginx:
      return "nginx";
    case Caller::haproxy:
      return "haproxy";
    case Caller::caddy:
      return "caddy";
  }
  return "unknown";
}

std::string_view to_string(Pressure pressure) {
  switch (pressure) {
    case Pressure::none:
      return "none";
    case Pressure::loop100:
      return "loop100";
    case Pressure::loop600:
      return "loop600";
    case Pressure::quota:
      return "quota";
    case Pressure::cores:
      return "cores";
    case Pressure::pause:
      return "pause";
  }
  return "unknown";
}

std::string_view to_string(Backend backend) {
  switch (backend) {
    case Backend::steady:
      return "steady";
    case Backend::edge:
      return "edge";
    case Backend::wide:
      return "wide";
    case Backend::unstable:
      return "unstable";
    case Backend::outage:
      return "outage";
  }
  return "unknown";
}

std::string_view title(Caller caller) {
  switch (caller) {
    case Caller::quoll_arrival:
      return "Quoll";
    case Caller::quoll_timer:
      return "Quoll, timer";
    case Caller::node:
      return "Node + opossum";
    case Caller::node_quoll:
      return "Node + quoll";
    case Caller::node_quoll_fetch:
      return "Node + quoll, fetch";
    case Caller::go:
      return "Go net/http";
    case Caller::nginx:
      return "nginx";
    case Caller::haproxy:
      return "HAProxy";
    case Caller::caddy:
      return "Caddy";
  }
  return "unknown";
}

std::string_view title(Pressure pressure) {
  switch (pressure) {
    case Pressure::none:
      return "no pressure";
    case Pressure::loop100:
      return "event loop blocked 100 ms every 1-2 s";
    case Pressure::loop600:
      return "event loop blocked 600 ms every 1-2 s";
    case Pressure::quota:
      return "CPU quota 20 % + busy neighbour";
    case Pressure::cores:
      return "all cores hogged";
    case Pressure::pause:
      return "stopped for 300 ms every 1-2 s";
  }
  return "unknown";
}

std::string_view title(Backend backend) {
  switch (backend) {
    case Backend::steady:
      return "healthy backend, 40-80 ms, deadline 100 ms";
    case Backend::edge:
      return "backend at the edge, 60-120 ms, deadline 100 ms";
    case Backend::wide:
      return "healthy backend, 100-300 ms, deadline 500 ms";
    case Backend::unstable:
      return "unstable backend, deadline 500 ms";
    case Backend::outage:
      return "backend that hangs in the middle, deadline 100 ms";
  }
  return "unknown";
}

bool is_quoll(Caller caller) {
  return caller == Caller::quoll_arrival || caller == Caller::quoll_timer;
}

bool is_node(Caller caller) {
  return caller == Caller::node || caller == Caller::node_quoll || caller == Caller::node_quoll_fetch;
}

bool has_breaker(Caller caller) {
  return is_quoll(caller) || is_node(caller);
}

bool applies(Pressure pressure, Caller caller) {
  return (pressure != Pressure::loop100 && pressure != Pressure::loop600) || has_breaker(caller);
}

Setting setting_of(Backend backend) {
  switch (backend) {
    case Backend::steady:
      return {milliseconds(100), 32, 0, {"--mode", "healthy", "--delay", "40ms..80ms", "--degrade", "0"}};
    case Backend::edge:
      return {milliseconds(100), 32, 0, {"--mode", "healthy", "--delay", "60ms..120ms", "--degrade", "0"}};
    case Backend::wide:
      return {milliseconds(500), 50, 0, {"--mode", "healthy", "--delay", "100ms..300ms", "--degrade", "0"}};
    case Backend::unstable:
      return {milliseconds(500), 200, 100, {}};
    case Backend::outage:
      return {milliseconds(100), 200, 300, {"--mode", "healthy", "--delay", "40ms..80ms", "--degrade", "0"}};
  }
  return {};
}

std::vector<Group> make_plan(const Choice& choice, bool quick) {
  std::vector<Group> plan;
  if (!choice.pressures.empty() && !choice.backends.empty()) {
    for (const Backend backend : choice.backends) {
      for (const Pressure pressure : choice.pressures) {
        add_group(plan, choice, quick, {pressure, backend, Who::all, seconds(9), seconds(6)});
      }
    }
    return plan;
  }
  for (const Default& one : kDefaults) {
    const bool named = !choice.pressures.empty() || !choice.backends.empty();
    if (quick && one.quick == Duration::zero() && !named) continue;
    if (!among(choice.pressures, one.pressure) || !among(choice.backends, one.backend)) continue;
    Default filled = one;
    if (filled.quick == Duration::zero()) filled.quick = filled.length / 2;
    if (filled.backend == Backend::outage) filled.quick = std::max<Duration>(filled.quick, seconds(6));
    add_group(plan, choice, quick, filled);
  }
  return plan;
}

Duration expected(const std::vector<Group>& plan) {
  Duration sum{};
  for (const Group& group : plan) {
    sum += (group.length + kOverhead) * static_cast<std::int64_t>(group.callers.size());
  }
  return sum;
}

Result<std::vector<Caller>> parse_callers(std::string_view list) {
  return parse_list(list, kCallers, "caller");
}

Result<std::vector<Pressure>> parse_pressures(std::string_view list) {
  return parse_list(list, kPressures, "pressure");
}

Result<std::vector<Backend>> parse_backends(std::string_view list) {
  return parse_list(list, kBackends, "backend");
}

}  // namespace quoll::lab::paradox
