#include "quoll/sim/config.h"

#include "quoll/base/faults.h"

namespace quoll::sim {

std::vector<std::string> Config::validate() const {
  Faults faults;
  faults.check_fields(*this);
  return faults.take();
}

const char* to_string(Service service) {
  switch (service) {
    case Service::fixed:
      return "fixed";
    case Service::uniform:
      return "uniform";
    case Service::exponential:
      return "exponential";
    case Service::lognormal:
      return "lognormal";
  }
  return "unknown";
}

const char* to_string(VerdictBy verdict) {
  return verdict == VerdictBy::arrival ? "arrival" : "timer";
}

}  // namespace quoll::sim
