#include "quoll/proxy/live/circuit_feed.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "quoll/proxy/live/event_hub.h"
#include "quoll/proxy/live/status_json.h"

namespace quoll::proxy {

namespace json = boost::json;

CircuitFeed::CircuitFeed(const Routes& routes) : routes_(routes), seen_(routes.size()) {
  for (std::size_t i = 0; i < routes.size(); ++i) seen_[i].generation = routes[i].circuit.breaker().generation();
}

std::string CircuitFeed::changes(TimePoint now, WallTime wall) {
  std::string out;
  std::size_t told = 0;
  for (std::size_t n = 0; n < routes_.size() && told < kMostChanges; ++n) {
    const std::size_t i = next_change_;
    next_change_ = (next_change_ + 1) % routes_.size();
    const Circuit& circuit = routes_[i].circuit;
    const std::uint32_t generation = circuit.breaker().generation();
    if (generation == seen_[i].generation) continue;
    seen_[i].generation = generation;
    for (const core::Transition& t : circuit.breaker().journal()) {
      if (t.sequence <= seen_[i].sequence) continue;
      seen_[i].sequence = t.sequence;
      const WallTime at = wall - (now - t.at);
      transitions_.push_back({at, json::serialize(transition_event_json(circuit.name(), t, at))});
      out += sse_event("transition", transitions_.back().json);
      ++told;
    }
  }
  while (transitions_.size() > kMaxTransitions) transitions_.pop_front();
  return out;
}

std::string CircuitFeed::journal(WallTime since) const {
  std::string out = "[";
  for (const Changed& changed : transitions_) {
    if (changed.at <= since) continue;
    if (out.size() > 1) out += ',';
    out += changed.json;
  }
  return out + ']';
}

json::object CircuitFeed::hello() const {
  json::array names;
  json::array routes;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const RouteOptions& o = routes_[i].options;
    names.emplace_back(o.name);
    routes.push_back(json::object{{"host", o.host},
                                  {"path", i == 0 ? "" : o.path},
                                  {"upstream", o.upstream},
                                  {"address", routes_[i].circuit.upstream()},
                                  {"timeout_ms", to_millis(routes_[i].circuit.timeout())}});
  }
  return {{"circuits", std::move(names)}, {"routes", std::move(routes)}};
}

// How often it was asked, whatever came of it.
std::uint64_t CircuitFeed::calls_of(const Circuit& circuit) {
  std::uint64_t sum = circuit.events(Event::reject);
  for (std::size_t i = 0; i < kAttemptNames.size(); ++i) sum += circuit.attempts(static_cast<AttemptEnd>(i));
  return sum;
}

json::array CircuitFeed::lines(TimePoint now, bool everything) {
  std::vector<std::size_t> trouble;
  std::vector<std::size_t> active;
  for (std::size_t n = 0; n < routes_.size(); ++n) {
    const std::size_t i = (next_line_ + n) % routes_.size();
    const Circuit& circuit = routes_[i].circuit;
    const bool news = circuit.breaker().generation() != seen_[i].line_generation ||
                      calls_of(circuit) != seen_[i].calls || seen_[i].busy;
    if (!news && !everything) continue;
    const bool closed = core::gauge(circuit.breaker().state()) == 0;
    (closed ? active : trouble).push_back(i);
  }
  const std::size_t most = everything ? routes_.size() : kMostLines;
  trouble.resize(std::min(trouble.size(), most));
  active.resize(std::min(active.size(), most - trouble.size()));
  if (!active.empty() && !everything) next_line_ = (active.back() + 1) % routes_.size();

  json::array out;
  for (const auto* list : {&trouble, &active}) {
    for (const std::size_t i : *list) {
      const Circuit& circuit = routes_[i].circuit;
      if (!everything) {  // a new reader's lines are no news to the others
        seen_[i].line_generation = circuit.breaker().generation();
        seen_[i].calls = calls_of(circuit);
      }
      out.push_back(circuit_brief_json(routes_[i], now));
      if (!everything) {
        const json::array& line = out.back().get_array();
        seen_[i].busy = line[3] != 0 || line[6] != 0;
      }
    }
  }
  return out;
}

json::object CircuitFeed::status(TimePoint now, bool everything) {
  json::object out;
  json::array whole;
  if (routes_.size() <= kWhole) {
    for (std::size_t i = 0; i < routes_.size(); ++i) whole.push_back(circuit_summary_json(routes_[i], now));
  } else {
    out["lines"] = lines(now, everything);
  }
  out["circuits"] = std::move(whole);
  out["states"] = states_json(routes_);
  return out;
}

}  // namespace quoll::proxy
