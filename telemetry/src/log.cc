#include "quoll/telemetry/log.h"

#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <optional>

#include "log_format.h"
#include "quoll/base/assert.h"
#include "quoll/telemetry/log_limiter.h"
#include "quoll/telemetry/registry.h"

namespace quoll::telemetry {

namespace {

// Called by the writer's thread only, hence without a lock. Lines come with their newline.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LineSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view line(message.payload.data(), message.payload.size());
    if (write_) {
      write_(line.substr(0, line.size() - 1));
    } else {
      // stderr has no buffer: one call is one write, and lines of two processes on one file do not mix. A failure has
      // nowhere to be reported.
      static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
    }
  }
  void flush_() override {}

  std::function<void(std::string_view)> write_;
};

constexpr std::array<const char*, 5> kLevels = {"debug", "info", "warn", "error", "off"};

bool wants_json(const LogOptions& options) {
  if (options.format != LogFormat::automatic) return options.format == LogFormat::json;
  return options.sink != nullptr || isatty(STDERR_FILENO) == 0;
}

}  // namespace

const char* to_string(LogLevel level) {
  return kLevels.at(static_cast<std::size_t>(level));
}

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (text == kLevels[i]) return static_cast<LogLevel>(i);
  }
  return Error{"log level '" + std::string(text) + "' is unknown; it must be debug, info, warn, error or off",
               "bad_log_level"};
}

std::vector<std::string> LogOptions::validate() const {
  std::vector<std::string> faults;
  if (queue < 16 || queue > 1'000'000) {
    faults.push_back("queue is " + std::to_string(queue) + "; it must be between 16 and 1000000");
  }
  if (burst != 0 && !(burst >= 1 && burst <= 1e9)) {
    faults.push_back("burst is " + std::to_string(burst) + "; it must be 0 (no limit) or between 1 and 1e9");
  }
  if (!(per_second >= 0 && per_second <= 1e9)) {
    faults.push_back("per_second is " + std::to_string(per_second) + "; it must be between 0 and 1e9");
  }
  return faults;
}

struct Log::Impl {
  explicit Impl(const LogOptions& options)
      : json(wants_json(options)),
        level(options.level),
        limiter(options.burst, options.per_second),
        pool(std::make_shared<spdlog::details::thread_pool>(options.queue, 1)),
        logger(std::make_shared<spdlog::async_logger>("quoll", std::make_shared<LineSink>(options.sink), pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {}

  // The pool first: its destructor writes what is queued and joins the writer, which uses the logger until then.
  ~Impl() { pool.reset(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void emit(const internal::LogLine& line) {
    fmt::memory_buffer buffer;
    if (json) {
      internal::format_json(buffer, line);
    } else {
      internal::format_text(buffer, line);
    }
    buffer.push_back('\n');
    logger->log(spdlog::level::critical, spdlog::string_view_t(buffer.data(), buffer.size()));
  }

  const bool json;
  std::atomic<LogLevel> level;
  LogLimiter limiter;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(const LogOptions& options) {
  QUOLL_ASSERT(options.validate().empty());
  impl_ = std::make_unique<Impl>(options);
}

Log::~Log() {
  report_suppressed(wall_now());
}

bool Log::enabled(LogLevel level) const {
  return level != LogLevel::off && level >= impl_->level.load(std::memory_order_relaxed);
}

void Log::set_level(LogLevel level) {
  impl_->level.store(level, std::memory_order_relaxed);
}

void Log::write_at(LogLevel level, std::string_view event, std::span<const Field> fields, const TraceContext* trace,
                   TimePoint now, WallTime wall) {
  if (!enabled(level)) return;
  const std::optional<std::uint64_t> withheld = impl_->limiter.admit(event, now);
  if (withheld) impl_->emit({level, event, fields, trace, wall, *withheld});
}

void Log::report_suppressed(WallTime wall) {
  for (const auto& entry : impl_->limiter.take_suppressed()) {
    const std::array<Field, 2> fields = {Field("of", entry.first), Field("count", entry.second)};
    impl_->emit({LogLevel::warn, "log_suppressed", fields, nullptr, wall, 0});
  }
}

std::uint64_t Log::dropped() const {
  return impl_->pool->overrun_counter();
}

std::uint64_t Log::suppressed() const {
  return impl_->limiter.suppressed();
}

void register_log_metrics(Registry& registry, const Log& log) {
  const char* name = "quoll_log_lost_lines_total";
  const char* help = "Log lines that were not written: the writer was too slow, or the event came too often.";
  registry.counter_fn(name, help, {{"reason", "queue_full"}}, [&log] { return static_cast<double>(log.dropped()); });
  registry.counter_fn(name, help, {{"reason", "rate_limit"}}, [&log] { return static_cast<double>(log.suppressed()); });
}

}  // namespace quoll::telemetry
