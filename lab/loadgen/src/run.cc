#include "quoll/lab/loadgen/run.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "quoll/base/fd.h"
#include "request_log.h"
#include "worker.h"

namespace quoll::lab::loadgen {

namespace {

constexpr Duration kDefaultDuration = std::chrono::seconds(10);
constexpr Duration kTick = std::chrono::seconds(1);
// Descriptors besides the connections: standard streams, epoll, eventfd, logs, libraries.
constexpr std::size_t kOtherDescriptors = 64;

// Puts the batches of all loops together: ticks in their order, and the report.
class Collector {
 public:
  Collector(const Hooks& hooks, Report& report, RequestLog* log, const Plan& plan, unsigned threads)
      : hooks_(hooks), report_(report), log_(log), plan_(plan), reached_(threads), idle_open_(threads) {}

  // Until every loop has sent its last batch.
  void run() {
    while (true) {
      for (Batch& batch : plan_.mailbox.take()) add(batch);
      if (last_ == reached_.size()) break;
      const std::uint64_t complete = *std::min_element(reached_.begin(), reached_.end());
      while (!ticks_.empty() && ticks_.begin()->first < complete) emit(false);
    }
    while (!ticks_.empty()) emit(ticks_.size() == 1);
    report_.duration = std::max(Duration(1), until_ - plan_.warm_until);
  }

 private:
  void add(Batch& batch) {
    Tick& tick = ticks_[batch.tick];
    tick.stats.merge(batch.counted);
    tick.stats.merge(batch.warm);
    report_.stats.merge(batch.counted);
    report_.warm_up_requests += batch.warm.requests();
    // A loop that has ended holds up no tick.
    reached_[batch.worker] = batch.last ? ~0ULL : batch.next_tick;
    if (log_ != nullptr) log_->write(batch.rows);
    if (batch.idle_tried) count_idle(batch);
    if (!batch.last) return;
    ++last_;
    ended_ = std::max(ended_, batch.ended);
    until_ = std::max(until_, batch.counted_until);
    report_.idle_open += batch.idle_open;
    for (std::size_t i = 0; i < kErrorKinds; ++i) {
      if (report_.error_examples[i].empty()) report_.error_examples[i] = batch.error_examples[i];
    }
  }

  void count_idle(const Batch& batch) {
    idle_open_[batch.worker] = batch.idle_open;
    std::size_t open = 0;
    for (const auto& one : idle_open_) {
      if (!one) return;
      open += *one;
    }
    if (hooks_.on_idle) hooks_.on_idle(open);
  }

  void emit(bool last) {
    auto node = ticks_.extract(ticks_.begin());
    Tick& tick = node.mapped();
    const Duration begin = kTick * static_cast<Duration::rep>(node.key());
    tick.end = begin + kTick;
    // A part of a second: in it, a run's last answers; nothing to tell when there were none.
    if (last) {
      if (tick.stats.requests() == 0 && node.key() > 0) return;
      tick.end = std::clamp(ended_ - plan_.start, begin + std::chrono::milliseconds(1), tick.end);
    }
    tick.length = tick.end - begin;
    tick.warm_up = tick.end <= plan_.warm_until - plan_.start;
    if (hooks_.on_tick) hooks_.on_tick(tick);
  }

  const Hooks& hooks_;
  Report& report_;
  RequestLog* log_;
  const Plan& plan_;
  std::vector<std::uint64_t> reached_;
  std::vector<std::optional<std::size_t>> idle_open_;
  std::map<std::uint64_t, Tick> ticks_;
  std::size_t last_ = 0;
  TimePoint until_;  // where the counted time ends
  TimePoint ended_;
};

Error bad_options(const std::vector<std::string>& faults) {
  Error error{"", "bad_options"};
  for (const std::string& fault : faults) error.message += (error.message.empty() ? "" : "\n") + fault;
  return error;
}

Result<void> allow_descriptors(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted) {
    return Error{std::to_string(wanted) + " file descriptors are needed, and the limit is " +
                     std::to_string(limit.rlim_max) + "; raise it (ulimit -Hn) or use fewer connections",
                 "descriptors"};
  }
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return Error{"cannot raise the limit of open files: " + std::generic_category().message(errno), "descriptors"};
}

Report describe(const Options& options) {
  Report report;
  report.url = options.url;
  report.mode = options.idle > 0 ? "idle" : options.rate > 0 ? "open" : "closed";
  report.connections = options.idle > 0 ? options.idle : options.connections;
  report.threads = options.threads;
  report.rate = options.rate;
  report.seed = options.seed;
  return report;
}

TimePoint end_of(const Options& options, TimePoint warm_until) {
  if (options.duration) return warm_until + *options.duration;
  if (options.requests || options.idle > 0) return TimePoint::max();
  return warm_until + kDefaultDuration;
}

// One descriptor of epoll for each loop; all or none.
Result<std::vector<Fd>> create_epolls(unsigned count) {
  std::vector<Fd> epolls;
  while (epolls.size() < count) {
    Fd fd(epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return Error{"epoll: " + std::generic_category().message(errno), "system"};
    epolls.push_back(std::move(fd));
  }
  return epolls;
}

}  // namespace

Result<Report> run(const Options& options, const Hooks& hooks, const StopSignal& stop) {
  const std::vector<std::string> faults = options.validate();
  if (!faults.empty()) return bad_options(faults);
  const Result<Target> target = parse_target(options.url);
  if (!target) return target.error();
  const Result<Address> address = resolve(*target, options.allow_remote);
  if (!address) return address.error();
  Report report = describe(options);
  const Result<void> allowed = allow_descriptors(report.connections + options.threads + kOtherDescriptors);
  if (!allowed) return allowed.error();
  std::optional<RequestLog> log;
  if (!options.request_log.empty()) {
    auto created = RequestLog::create(options.request_log, options.header_id.empty() ? "" : options.id_prefix);
    if (!created) return created.error();
    log = std::move(created).value();
  }
  auto epolls = create_epolls(options.threads);
  if (!epolls) return epolls.error();

  const RequestTemplate request(options, *target);
  Mailbox mailbox;
  const TimePoint start = steady_now();
  const TimePoint warm_until = start + options.warm_up;
  const Plan plan{options, request, *address, stop, mailbox, start, warm_until, end_of(options, warm_until)};
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(plan, i, std::move((*epolls)[i])));
    threads.emplace_back(&Worker::run, workers.back().get());
  }
  Collector(hooks, report, log ? &*log : nullptr, plan, options.threads).run();
  for (std::thread& thread : threads) thread.join();
  report.stopped = stop.requested();
  if (log) {
    const Result<void> closed = log->close();
    if (!closed) return closed.error();
  }
  return report;
}

}  // namespace quoll::lab::loadgen
