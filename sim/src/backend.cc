#include "backend.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "quoll/base/assert.h"

namespace quoll::sim {

Backend::Backend(const BackendModel& model, std::uint64_t seed)
    : model_(model), endpoints_(model.endpoints), service_(seed), errors_(splitmix64(seed)) {
  set_error_rate(-1, model.error_rate);
}

Backend::Answer Backend::arrive(std::uint32_t job, unsigned endpoint) {
  Endpoint& at = endpoints_[endpoint];
  if (at.down) return {.taken = Taken::down};
  if (at.hang) return {.taken = Taken::swallowed};
  if (at.busy < model_.workers) {
    ++in_system_;
    ++at.busy;
    return {.taken = Taken::started, .service = draw_service(at)};
  }
  if (at.waiting.size() >= model_.queue) return {.taken = Taken::full};
  ++in_system_;
  at.waiting.push_back(job);
  return {.taken = Taken::queued};
}

std::optional<Backend::Next> Backend::finish(unsigned endpoint) {
  Endpoint& at = endpoints_[endpoint];
  QUOLL_ASSERT(at.busy > 0 && in_system_ > 0);
  --in_system_;
  if (at.waiting.empty()) {
    --at.busy;
    return std::nullopt;
  }
  const std::uint32_t job = at.waiting.front();
  at.waiting.pop_front();
  return Next{job, draw_service(at)};
}

bool Backend::draw_good(unsigned endpoint) {
  const double rate = endpoints_[endpoint].error_rate;
  return rate <= 0 || !errors_.chance(rate);
}

Duration Backend::draw_service(const Endpoint& at) {
  const auto mean = static_cast<double>(model_.mean.count());
  double drawn = mean;
  switch (model_.service) {
    case Service::fixed:
      break;
    case Service::uniform: {
      const double width = std::min(model_.sigma, 1.0);
      drawn = mean * (1 - width + 2 * width * service_.uniform());
      break;
    }
    case Service::exponential:
      drawn = service_.exponential(mean);
      break;
    case Service::lognormal:
      // exp(mu + sigma z) has the mean exp(mu + sigma^2 / 2).
      drawn = mean * std::exp(model_.sigma * normal() - model_.sigma * model_.sigma / 2);
      break;
  }
  drawn *= at.factor * (1 + model_.degradation * at.busy / model_.workers);
  return Duration(static_cast<Duration::rep>(std::min(drawn, 3.6e12)));
}

// Box and Muller, 1958; two at a time.
double Backend::normal() {
  if (spare_normal_) {
    const double value = *spare_normal_;
    spare_normal_.reset();
    return value;
  }
  const double radius = std::sqrt(-2 * std::log1p(-service_.uniform()));
  const double angle = 2 * std::numbers::pi * service_.uniform();
  spare_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void Backend::set_service_factor(int endpoint, double factor) {
  each(endpoint, [factor](Endpoint& at) { at.factor = factor; });
}
void Backend::set_error_rate(int endpoint, double rate) {
  each(endpoint, [rate](Endpoint& at) { at.error_rate = rate; });
}
void Backend::set_hang(int endpoint, bool on) {
  each(endpoint, [on](Endpoint& at) { at.hang = on; });
}
void Backend::set_down(int endpoint, bool on) {
  each(endpoint, [on](Endpoint& at) { at.down = on; });
}

}  // namespace quoll::sim
