// Log: what happened, one JSON object a line, written by a thread of its own.
//
//   log.info("circuit_open", {{"circuit", "default"}, {"failure_rate", 60.0}});
//   {"ts":"2026-11-23T20:53:31.123Z","level":"info","event":"circuit_open","circuit":"default","failure_rate":60}
//
// `event` is a constant of ours in snake_case: the key of the rate limit and of a search. What varies goes to fields.
//
// A caller formats its line (a microsecond or two), puts it on a bounded queue and goes on; it never waits for the
// terminal, pipe or disk behind stderr. A full queue loses its oldest line, counted by dropped(). Each event has a
// token bucket of its own, so a failing upstream cannot flood the log; the next line let through says how many were
// suppressed ("suppressed":17), and report_suppressed() says it for events that fell silent.
//
// Bounds: a string field is cut at kMaxFieldBytes, a line keeps its first kMaxFields fields. Invalid UTF-8 is replaced.
//
// Thread-safe. The destructor writes what is queued, however long stderr takes; an abort loses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "quoll/base/result.h"
#include "quoll/base/time.h"
#include "quoll/telemetry/trace.h"

namespace quoll::telemetry {

class Registry;

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };
// automatic: text when stderr is a terminal, else JSON.
enum class LogFormat : std::uint8_t { automatic, json, text };

const char* to_string(LogLevel level);
Result<LogLevel> parse_log_level(std::string_view text);

// A name and a value, by reference: lives no longer than the call it is passed to.
class Field {
 public:
  Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  Field(std::string_view key, const char* value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, const std::string& value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, double value) : key_(key), value_(value) {}
  // In seconds.
  Field(std::string_view key, Duration value) : key_(key), value_(to_seconds(value)) {}
  template <typename T>
  requires std::is_integral_v<T> Field(std::string_view key, T value) : key_(key), value_(widen(value)) {}

  // `text` is JSON already (trip evidence, a nested object) and is copied as it is; the caller vouches for it.
  static Field json(std::string_view key, std::string_view text) { return {key, Json{text}}; }

  struct Json {
    std::string_view text;
  };
  using Value = std::variant<std::string_view, double, std::int64_t, std::uint64_t, bool, Json>;
  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  Field(std::string_view key, Json value) : key_(key), value_(value) {}
  template <typename T>
  static Value widen(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<std::int64_t>(value);
    } else {
      return static_cast<std::uint64_t>(value);
    }
  }

  std::string_view key_;
  Value value_;
};

struct LogOptions {
  // Events below are discarded before anything is formatted. Default info.
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::automatic;
  // Lines that wait for the writer. Default 4,096 (about 2 MiB), range 16 to 1e6.
  std::size_t queue = 4096;
  // Lines of one event at once, and a second after that. Default 20 and 5; a burst of 0 turns the limit off.
  double burst = 20;
  double per_second = 5;
  // Where lines go, without their newline, on the writer's thread. Default: stderr.
  std::function<void(std::string_view line)> sink = {};

  std::vector<std::string> validate() const;
};

class Log {
 public:
  static constexpr std::size_t kMaxFieldBytes = 1024;
  static constexpr std::size_t kMaxFields = 32;

  // `options` must be valid.
  explicit Log(const LogOptions& options = {});
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  using Fields = std::initializer_list<Field>;
  void debug(std::string_view event, Fields fields = {}, const TraceContext* trace = nullptr) {
    write(LogLevel::debug, event, fields, trace);
  }
  void info(std::string_view event, Fields fields = {}, const TraceContext* trace = nullptr) {
    write(LogLevel::info, event, fields, trace);
  }
  void warn(std::string_view event, Fields fields = {}, const TraceContext* trace = nullptr) {
    write(LogLevel::warn, event, fields, trace);
  }
  void error(std::string_view event, Fields fields = {}, const TraceContext* trace = nullptr) {
    write(LogLevel::error, event, fields, trace);
  }

  void write(LogLevel level, std::string_view event, Fields fields, const TraceContext* trace = nullptr) {
    if (enabled(level)) write_at(level, event, {fields.begin(), fields.size()}, trace, steady_now(), wall_now());
  }
  // With the time as an argument: `now` drives the rate limit, `wall` is printed.
  void write_at(LogLevel level, std::string_view event, std::span<const Field> fields, const TraceContext* trace,
                TimePoint now, WallTime wall);

  bool enabled(LogLevel level) const;
  void set_level(LogLevel level);

  // One "log_suppressed" line for each event with suppressed lines that no later line has reported. For a sampler, once
  // every ten seconds or so.
  void report_suppressed(WallTime wall);
  // Lines lost to a full queue, and lines withheld by the rate limit, since the start.
  std::uint64_t dropped() const;
  std::uint64_t suppressed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// quoll_log_lost_lines_total{reason="queue_full" | "rate_limit"}. `log` outlives the registry's last exposition.
void register_log_metrics(Registry& registry, const Log& log);

}  // namespace quoll::telemetry
