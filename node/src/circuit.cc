#include "circuit.h"

#include <limits>
#include <utility>

namespace quoll::node {

std::vector<std::string> CircuitOptions::validate() const {
  std::vector<std::string> faults = breaker.validate();
  const auto add = [&faults](const std::vector<std::string>& more) {
    faults.insert(faults.end(), more.begin(), more.end());
  };
  if (adaptive) add(adaptive->validate());
  if (retry) {
    add(retry->validate());
    add(budget.validate());
  }
  return faults;
}

Circuit::Circuit(const CircuitOptions& options)
    : name(options.name),
      breaker(core::Breaker::create(options.breaker, options.seed, options.name).value()),
      begun(options.breaker.window, options.breaker.buckets) {
  tell_nothing_begun();
  pipeline.breaker = &breaker;
  if (options.adaptive) pipeline.timeout = &timeout.emplace(*options.adaptive);
  if (options.retry) {
    budget.emplace(options.budget);
    pipeline.retry = &retry.emplace(*options.retry, &*budget, options.seed + 1);
  }
}

void Circuit::tell_begun(TimePoint now) {
  if (!warming) breaker.count_begun(begun.total(now));
}

void Circuit::tell_nothing_begun() {
  if (warming || breaker.options().slow_call_threshold == Duration::zero()) {
    breaker.count_begun(std::numeric_limits<std::uint32_t>::max());
  }
}

void Circuit::keep(const std::optional<core::Transition>& transition) {
  if (!transition) return;
  begun.clear();
  untold.push_back(*transition);
}

std::int32_t Calls::add(Circuit& circuit, bool idempotent) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    if (places_.size() == kMost) return -1;
    index = static_cast<std::uint32_t>(places_.size());
    places_.push_back(std::make_unique<Place>());
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Place& place = *places_[index];
  place.circuit = &circuit;
  place.call.emplace(circuit.pipeline, core::CallInfo{.idempotent = idempotent});
  place.uses = (place.uses + 1) & ((1U << (31U - kIndexBits)) - 1U);
  ++live_;
  return static_cast<std::int32_t>(place.uses << kIndexBits | index);
}

Calls::Place* Calls::place_of(std::int32_t number) {
  if (number < 0) return nullptr;
  const auto bits = static_cast<std::uint32_t>(number);
  const std::uint32_t index = bits & ((1U << kIndexBits) - 1U);
  if (index >= places_.size()) return nullptr;
  Place& place = *places_[index];
  return place.call && place.uses == bits >> kIndexBits ? &place : nullptr;
}

core::PipelineCall* Calls::find(std::int32_t number) {
  Place* place = place_of(number);
  return place == nullptr ? nullptr : &*place->call;
}

Circuit* Calls::circuit_of(std::int32_t number) {
  Place* place = place_of(number);
  return place == nullptr ? nullptr : place->circuit;
}

void Calls::remove(std::int32_t number) {
  Place* place = place_of(number);
  if (place == nullptr) return;
  place->call.reset();
  place->circuit = nullptr;
  --live_;
  free_.push_back(static_cast<std::uint32_t>(number) & ((1U << kIndexBits) - 1U));
}

void Calls::remove_all(const Circuit* circuit) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    Place& place = *places_[i];
    if (!place.call || place.circuit != circuit) continue;
    remove(static_cast<std::int32_t>(place.uses << kIndexBits | static_cast<std::uint32_t>(i)));
  }
}

}  // namespace quoll::node
