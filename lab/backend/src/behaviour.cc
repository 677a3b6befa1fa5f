#include "quoll/lab/backend/behaviour.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "quoll/base/assert.h"

namespace quoll::lab::backend {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, kModes.size()> kNames = {"answer", "healthy",  "slow", "fail",    "hang",
                                                                "reset",  "truncate", "drip", "garbage", "refuse"};

std::string mode_list() {
  std::string list;
  for (const std::string_view name : kNames) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

// Reads the members of a control object one by one and collects what is wrong with them.
class ChangeReader {
 public:
  void read(std::string_view key, const json::value& value) {
    if (key == "mode") {
      if (const auto text = string(key, value)) store(key, parse_mode(*text), change_.mode);
    } else if (key == "fail_rate") {
      number(key, value, change_.fail_rate);
    } else if (key == "status") {
      status(key, value);
    } else if (key == "delay") {
      if (const auto text = string(key, value)) store(key, parse_duration_range(*text), change_.delay);
    } else if (key == "degrade") {
      if (const auto text = string(key, value)) store(key, parse_duration(*text), change_.degrade);
    } else if (key == "slow_factor") {
      number(key, value, change_.slow_factor);
    } else if (key == "drip") {
      if (const auto text = string(key, value)) store(key, parse_duration(*text), change_.drip);
    } else if (key == "for") {
      if (const auto text = string(key, value)) store(key, parse_duration(*text), change_.lasting);
    } else {
      faults_.push_back("unknown key \"" + std::string(key) +
                        "\"; there are mode, fail_rate, status, delay, degrade, slow_factor, drip and for");
    }
  }

  Result<Change> finish() {
    for (std::string& fault : change_.applied_to({}).validate()) faults_.push_back(std::move(fault));
    if (change_.lasting &&
        (*change_.lasting < std::chrono::milliseconds(1) || *change_.lasting > std::chrono::hours(1))) {
      faults_.push_back("for is " + format_duration(*change_.lasting) + "; it must be between 1ms and 1h");
    }
    if (faults_.empty()) return change_;
    return Error{fmt::format("{}", fmt::join(faults_, "\n")), "bad_control"};
  }

 private:
  std::optional<std::string_view> string(std::string_view key, const json::value& value) {
    if (value.is_string()) return std::string_view(value.get_string().data(), value.get_string().size());
    faults_.push_back(std::string(key) + " must be a string, not " + json::serialize(value));
    return std::nullopt;
  }
  void number(std::string_view key, const json::value& value, std::optional<double>& out) {
    if (value.is_number()) {
      out = value.to_number<double>();
    } else {
      faults_.push_back(std::string(key) + " must be a number, not " + json::serialize(value));
    }
  }
  void status(std::string_view key, const json::value& value) {
    if (value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= 999) {
      change_.status = static_cast<unsigned>(value.get_int64());
    } else {
      faults_.push_back(std::string(key) + " must be a number from 400 to 599, not " + json::serialize(value));
    }
  }
  template <typename T>
  void store(std::string_view key, Result<T> read, std::optional<T>& out) {
    if (read) {
      out = *read;
    } else {
      faults_.push_back(std::string(key) + ": " + read.error().message);
    }
  }

  Change change_;
  std::vector<std::string> faults_;
};

}  // namespace

std::string_view to_string(Mode mode) {
  return kNames[static_cast<std::size_t>(mode)];
}

Result<Mode> parse_mode(std::string_view text) {
  const auto* found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) {
    return Error{"'" + std::string(text) + "' is not a mode; there are " + mode_list(), "bad_mode"};
  }
  return kModes[static_cast<std::size_t>(found - kNames.begin())];
}

std::vector<std::string> Behaviour::validate() const {
  std::vector<std::string> faults;
  if (!(fail_rate >= 0 && fail_rate <= 1)) {
    faults.push_back(fmt::format("fail_rate is {}; it must be between 0 and 1", fail_rate));
  }
  if (status < 400 || status > 599) {
    faults.push_back(fmt::format("status is {}; it must be between 400 and 599", status));
  }
  if (delay.low < Duration::zero() || delay.low > delay.high || delay.high > std::chrono::hours(1)) {
    faults.push_back("delay is " + format_duration_range(delay) + "; it must be a range between 0 and 1h");
  }
  if (degrade < Duration::zero() || degrade > std::chrono::minutes(1)) {
    faults.push_back("degrade is " + format_duration(degrade) + "; it must be between 0 and 1m");
  }
  if (!(slow_factor >= 1 && slow_factor <= 1000)) {
    faults.push_back(fmt::format("slow_factor is {}; it must be between 1 and 1000", slow_factor));
  }
  if (drip < std::chrono::microseconds(1) || drip > std::chrono::minutes(1)) {
    faults.push_back("drip is " + format_duration(drip) + "; it must be between 1us and 1m");
  }
  return faults;
}

Behaviour Change::applied_to(Behaviour behaviour) const {
  behaviour.mode = mode.value_or(behaviour.mode);
  behaviour.fail_rate = fail_rate.value_or(behaviour.fail_rate);
  behaviour.status = status.value_or(behaviour.status);
  behaviour.delay = delay.value_or(behaviour.delay);
  behaviour.degrade = degrade.value_or(behaviour.degrade);
  behaviour.slow_factor = slow_factor.value_or(behaviour.slow_factor);
  behaviour.drip = drip.value_or(behaviour.drip);
  return behaviour;
}

Result<Change> parse_change(std::string_view text) {
  // The parser keeps the last of repeated keys, so they are counted against the text's own structure: a control object
  // is flat, and each member has exactly one colon outside of strings.
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error) return Error{"not JSON: " + error.message(), "bad_control"};
  if (!value.is_object()) {
    return Error{"a JSON object is wanted, such as {\"mode\":\"fail\",\"delay\":\"40ms..80ms\"}", "bad_control"};
  }
  ChangeReader reader;
  for (const auto& member : value.get_object()) reader.read({member.key().data(), member.key().size()}, member.value());
  std::size_t colons = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ':') {
      ++colons;
    }
  }
  auto change = reader.finish();
  if (change && colons != value.get_object().size()) return Error{"a key is given twice", "bad_control"};
  return change;
}

void put_members(telemetry::JsonWriter& out, const Behaviour& b) {
  out.member("mode", to_string(b.mode)).member("fail_rate", b.fail_rate).member("status", b.status);
  out.member("delay", format_duration_range(b.delay)).member("degrade", format_duration(b.degrade));
  out.member("slow_factor", b.slow_factor).member("drip", format_duration(b.drip));
}

Plan make_plan(const Behaviour& b, std::size_t others, Rng& rng) {
  // Both are drawn for every request, so that a change of mode does not shift what later requests draw.
  const bool unlucky = rng.chance(b.fail_rate);
  Duration delay = rng.uniform(b.delay.low, b.delay.high);
  if (b.mode == Mode::slow) {
    delay = Duration(std::llround(static_cast<double>(delay.count()) * b.slow_factor));
  }
  delay += b.degrade * static_cast<Duration::rep>(others);
  switch (b.mode) {
    case Mode::answer:
      if (unlucky) return {.status = b.status};
      return {.delay = delay};
    case Mode::healthy:
    case Mode::slow:
      return {.delay = delay};
    case Mode::fail:
      return {.status = b.status};
    case Mode::hang:
      return {.action = Plan::Action::hang, .status = 0};
    case Mode::reset:
    case Mode::refuse:
      return {.action = Plan::Action::reset, .status = 0};
    case Mode::truncate:
      return {.action = Plan::Action::truncate, .delay = delay};
    case Mode::drip:
      return {.action = Plan::Action::drip, .delay = delay};
    case Mode::garbage:
      return {.action = Plan::Action::garbage, .status = 0, .delay = delay};
  }
  QUOLL_ASSERT(false);
}

}  // namespace quoll::lab::backend
