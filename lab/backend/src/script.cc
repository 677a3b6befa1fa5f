#include "quoll/lab/backend/script.h"

#include <fmt/format.h>

#include <charconv>

namespace quoll::lab::backend {

namespace {

constexpr Duration kShortest = std::chrono::milliseconds(1);
constexpr Duration kLongest = std::chrono::hours(24);

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBlanks = " \t\r";
  for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    out.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return out;
}

// The number before a one-letter unit, such as "3x" or "50%".
std::optional<double> number_with(std::string_view text, char unit) {
  if (text.empty() || text.back() != unit) return std::nullopt;
  double value = 0;
  const char* last = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

// A word after the mode. Empty when it was understood, else what is wrong.
std::string read_argument(std::string_view word, Change& change) {
  const Mode mode = *change.mode;
  const bool waits = mode != Mode::fail && mode != Mode::hang && mode != Mode::reset && mode != Mode::refuse;
  if (const auto factor = number_with(word, 'x'); factor && mode == Mode::slow) {
    change.slow_factor = *factor;
    return {};
  }
  if (const auto percent = number_with(word, '%'); percent && mode == Mode::answer) {
    change.fail_rate = *percent / 100;
    return {};
  }
  unsigned status = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), status);
  if (error == std::errc() && end == word.data() + word.size() && (mode == Mode::fail || mode == Mode::answer)) {
    change.status = status;
    return {};
  }
  if (const auto delay = parse_duration_range(word); delay && waits) {
    change.delay = *delay;
    return {};
  }
  std::string forms;
  if (mode == Mode::answer) forms = "a failure rate like 50%, a status like 503 or a delay like 40ms..80ms";
  if (mode == Mode::slow) forms = "a factor like 3x or a delay like 40ms..80ms";
  if (mode == Mode::fail) forms = "a status like 503";
  if (forms.empty()) forms = waits ? "a delay like 40ms..80ms" : "nothing";
  return fmt::format("'{}' is not understood; after {} may come {}", word, to_string(mode), forms);
}

std::vector<std::string> read_step(const std::vector<std::string_view>& line, Step& step) {
  std::vector<std::string> faults;
  const auto length = parse_duration(line[0]);
  if (!length) {
    faults.push_back(length.error().message);
  } else if (*length < kShortest || *length > kLongest) {
    faults.push_back("a step lasts between 1ms and 24h, not " + format_duration(*length));
  } else {
    step.length = *length;
  }
  if (line.size() < 2) {
    faults.push_back("the mode is missing, as in \"10s healthy\"");
    return faults;
  }
  const auto mode = parse_mode(line[1]);
  if (!mode) {
    faults.push_back(mode.error().message);
    return faults;
  }
  step.change.mode = *mode;
  for (std::size_t i = 2; i < line.size(); ++i) {
    if (std::string fault = read_argument(line[i], step.change); !fault.empty()) faults.push_back(std::move(fault));
  }
  for (std::string& fault : step.change.applied_to({}).validate()) faults.push_back(std::move(fault));
  return faults;
}

}  // namespace

Result<Script> Script::parse(std::string_view text) {
  Script script;
  std::vector<std::string> faults;
  std::size_t number = 0;
  while (!text.empty() && faults.size() < 100) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto parts = words(line.substr(0, line.find('#')));
    if (parts.empty()) continue;
    if (script.loop) {
      faults.push_back(fmt::format("line {}: nothing may follow \"loop\"", number));
      continue;
    }
    if (parts.size() == 1 && parts[0] == "loop") {
      script.loop = true;
      continue;
    }
    Step step;
    for (const std::string& fault : read_step(parts, step)) {
      faults.push_back(fmt::format("line {}: {}", number, fault));
    }
    step.text = fmt::format("{}", fmt::join(parts, " "));
    script.steps.push_back(std::move(step));
    if (script.steps.size() > kMaxSteps) {
      faults.push_back(fmt::format("line {}: more than {} steps", number, kMaxSteps));
      break;
    }
  }
  if (script.steps.empty() && faults.empty()) faults.emplace_back("the script has no step, such as \"10s healthy\"");
  if (!faults.empty()) return Error{fmt::format("{}", fmt::join(faults, "\n")), "bad_script"};
  return script;
}

std::optional<Script::Position> Script::at(Duration elapsed) const {
  Duration whole{};
  for (const Step& step : steps) whole += step.length;
  if (whole <= Duration::zero()) return std::nullopt;
  if (!loop && elapsed >= whole) return std::nullopt;
  const Duration round_start = loop ? whole * (elapsed / whole) : Duration::zero();
  Duration end = round_start;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    end += steps[i].length;
    if (elapsed < end) return Position{i, end};
  }
  return std::nullopt;
}

}  // namespace quoll::lab::backend
