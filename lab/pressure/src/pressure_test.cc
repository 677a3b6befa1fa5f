#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "quoll/base/mutex.h"
#include "quoll/lab/pressure/cpu.h"
#include "quoll/lab/pressure/loop.h"
#include "quoll/lab/pressure/pause.h"
#include "quoll/lab/pressure/quota.h"
#include "quoll/testing/scripted_server.h"

namespace quoll::lab::pressure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers each connection's request with the next of the given answers (the last one again when they run out), and
// keeps the requests.
class Answers {
 public:
  explicit Answers(std::vector<std::string> answers) : answers_(std::move(answers)) {}

  std::string url() const { return server_.url(); }
  void stop() { server_.stop(); }
  // After stop().
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  void serve(testing::Wire& wire, int nth) {
    const testing::Message request = wire.read_request();
    {
      const MutexLock lock(mutex_);
      requests_.push_back(request.head + request.body);
    }
    wire.send(answers_[std::min(static_cast<std::size_t>(nth), answers_.size() - 1)]);
  }

  const std::vector<std::string> answers_;
  Mutex mutex_;
  std::vector<std::string> requests_;
  testing::ScriptedServer server_{[this](testing::Wire& wire, int nth) { serve(wire, nth); }};
};

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

// A child that waits to be killed.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      ::alarm(60);  // in case the test dies
      for (;;) ::pause();
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  // The state letter of /proc/PID/stat: S sleeping, T stopped.
  char state() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string number;
    std::string name;
    char state = '?';
    file >> number >> name >> state;
    return state;
  }
  std::string groups() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/cgroup");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  pid_t pid_;
};

struct Recorder {
  std::vector<Event> events;

  Sink sink() {
    return [this](const Event& event) { events.push_back(event); };
  }
  int count(std::string_view name) const {
    int count = 0;
    for (const Event& event : events) count += event.name == name ? 1 : 0;
    return count;
  }
};

// Stops a run once an event has come `times` times.
Sink stop_after(Recorder& recorder, StopSignal& stop, std::string_view name, int times) {
  return [&recorder, &stop, name, times](const Event& event) {
    recorder.events.push_back(event);
    if (recorder.count(name) >= times) stop.request();
  };
}

TEST(LoopPressure, AsksForBlocksUntilStopped) {
  Answers server({answer("202 Accepted", R"({"blocked":2})")});
  Recorder recorder;
  StopSignal stop;
  const LoopOptions options{
      .target = server.url(), .every = {milliseconds(10), milliseconds(20)}, .duration = seconds(30)};
  ASSERT_TRUE(run_loop(options, stop_after(recorder, stop, "block", 3), stop));
  server.stop();
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_TRUE(server.requests()[0].starts_with("POST /pressure HTTP/1.1\r\n")) << server.requests()[0];
  EXPECT_TRUE(server.requests()[0].ends_with(R"({"block_ms":100,"worker":"all"})")) << server.requests()[0];
  EXPECT_EQ(std::get<std::int64_t>(recorder.events[0].fields[3].value), 2);
  EXPECT_EQ(recorder.events.back().name, "done");
}

TEST(LoopPressure, NamesOneWorkerByItsNumber) {
  Answers server({answer("202 Accepted", "{}")});
  Recorder recorder;
  StopSignal stop;
  const LoopOptions options{.target = server.url(), .worker = "1", .duration = seconds(30)};
  ASSERT_TRUE(run_loop(options, stop_after(recorder, stop, "block", 1), stop));
  server.stop();
  EXPECT_TRUE(server.requests()[0].ends_with(R"({"block_ms":100,"worker":1})"));
}

TEST(LoopPressure, FindsARandomWorkerAmongThoseThereAre) {
  // Whatever is drawn first is refused; the search goes on below it.
  Answers server({answer("400 Bad Request", "no such worker"), answer("202 Accepted", R"({"blocked":1})")});
  Recorder recorder;
  StopSignal stop;
  const LoopOptions options{.target = server.url(), .worker = "random", .duration = seconds(30), .seed = 4};
  ASSERT_TRUE(run_loop(options, stop_after(recorder, stop, "block", 1), stop));
  server.stop();
  ASSERT_EQ(server.requests().size(), 2U);
  const auto number = [&](std::size_t i) {
    const std::string& request = server.requests()[i];
    return std::stoi(request.substr(request.find("\"worker\":") + 9));
  };
  EXPECT_LT(number(1), number(0));
  EXPECT_EQ(recorder.count("refused"), 0);
  EXPECT_EQ(std::get<std::string>(recorder.events[0].fields[1].value), std::to_string(number(1)));
}

TEST(LoopPressure, ExplainsAProxyThatDoesNotAllowIt) {
  const Answers server({answer("403 Forbidden", "no")});
  const StopSignal stop;
  const auto ran = run_loop({.target = server.url(), .duration = seconds(30)}, {}, stop);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, "forbidden");
  EXPECT_NE(ran.error().message.find("--allow-pressure"), std::string::npos);
}

TEST(LoopPressure, KeepsTryingWhereNobodyAnswers) {
  std::string url;
  {
    const Answers gone({""});
    url = gone.url();
  }
  Recorder recorder;
  const StopSignal stop;
  const LoopOptions options{
      .target = url, .every = {milliseconds(10), milliseconds(10)}, .duration = milliseconds(200)};
  EXPECT_TRUE(run_loop(options, recorder.sink(), stop));
  EXPECT_EQ(recorder.count("unreachable"), 1);
  EXPECT_EQ(recorder.events.back().name, "done");
}

TEST(LoopPressure, GarbageAndChunksAreSurvived) {
  Answers server({"lorem ipsum\r\n\r\n", "",
                  "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"blocked\":1}\r\n0\r\n\r\n"});
  Recorder recorder;
  StopSignal stop;
  const LoopOptions options{
      .target = server.url(), .every = {milliseconds(10), milliseconds(10)}, .duration = seconds(30)};
  ASSERT_TRUE(run_loop(options, stop_after(recorder, stop, "block", 1), stop));
  EXPECT_EQ(recorder.count("unreachable"), 1);
  EXPECT_EQ(recorder.count("reachable"), 1);
}

TEST(LoopPressure, EveryFaultIsNamed) {
  const StopSignal stop;
  const auto ran = run_loop({.target = "127.0.0.1:3900",
                             .block = {Duration(0), Duration(0)},
                             .every = {milliseconds(1), milliseconds(1)},
                             .worker = "some"},
                            {}, stop);
  ASSERT_FALSE(ran);
  for (const char* part : {"http://HOST:PORT", "block is 0", "every is 1ms", "'some'"}) {
    EXPECT_NE(ran.error().message.find(part), std::string::npos) << part;
  }
}

TEST(CpuPressure, BurnsWhatItWasToldTo) {
  Recorder recorder;
  const StopSignal stop;
  const TimePoint start = steady_now();
  ASSERT_TRUE(run_cpu({.cores = 1, .duration = milliseconds(200)}, recorder.sink(), stop));
  const double elapsed = to_seconds(steady_now() - start);
  ASSERT_EQ(recorder.events.back().name, "done");
  const double burnt = std::get<double>(recorder.events.back().fields[0].value);
  EXPECT_GT(burnt, 0.0);
  EXPECT_LE(burnt, elapsed);
}

TEST(CpuPressure, StopsWhenAsked) {
  Recorder recorder;
  StopSignal stop;
  ASSERT_TRUE(run_cpu({.cores = 2, .nice = 19, .duty = 0.1, .duration = seconds(60)},
                      stop_after(recorder, stop, "start", 1), stop));
  EXPECT_EQ(recorder.events.back().name, "done");
}

TEST(CpuPressure, RefusesWhatIsOutOfRange) {
  const StopSignal stop;
  const auto ran = run_cpu({.cores = 5000, .nice = 40, .duty = 0}, {}, stop);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, "bad_options");
}

TEST(PausePressure, StopsAndAlwaysContinues) {
  const Child child;
  Recorder recorder;
  StopSignal stop;
  std::string states;
  const Sink sink = [&](const Event& event) {
    recorder.events.push_back(event);
    // A stop takes effect when the target next runs; its end is waited for, bounded by the stop's length.
    if (event.name == "stop") {
      const TimePoint start = steady_now();
      while (child.state() != 'T' && steady_now() - start < seconds(5)) std::this_thread::yield();
      states += child.state();
    }
    if (recorder.count("stop") == 3) stop.request();
  };
  const PauseOptions options{.pid = child.pid(),
                             .stop = {milliseconds(50), milliseconds(50)},
                             .every = {milliseconds(60), milliseconds(80)},
                             .duration = seconds(30)};
  ASSERT_TRUE(run_pause(options, sink, stop));
  EXPECT_EQ(states, "TTT");
  const TimePoint start = steady_now();
  // Continued, it runs for a moment and sleeps again.
  while (child.state() != 'S' && steady_now() - start < seconds(5)) std::this_thread::yield();
  EXPECT_EQ(child.state(), 'S');
}

TEST(PausePressure, EndsWhenItsTargetEnds) {
  Child child;
  Recorder recorder;
  const StopSignal stop;
  const Sink sink = [&](const Event& event) {
    recorder.events.push_back(event);
    if (event.name == "continue") child.end();
  };
  const PauseOptions options{.pid = child.pid(),
                             .stop = {milliseconds(1), milliseconds(1)},
                             .every = {milliseconds(10), milliseconds(10)},
                             .duration = seconds(30)};
  ASSERT_TRUE(run_pause(options, sink, stop));
  EXPECT_EQ(recorder.count("gone"), 1);
}

TEST(PausePressure, RefusesItselfAndStrangers) {
  const StopSignal stop;
  EXPECT_EQ(run_pause({.pid = ::getpid()}, {}, stop).error().code, "bad_options");
  EXPECT_EQ(run_pause({.pid = 1}, {}, stop).error().code, "bad_options");
  Child child;
  const pid_t pid = child.pid();
  child.end();
  EXPECT_EQ(run_pause({.pid = pid}, {}, stop).error().code, "no_process");
}

TEST(QuotaPressure, LimitsAndPutsEverythingBack) {
  const Child child;
  const std::string before = child.groups();
  Recorder recorder;
  StopSignal stop;
  std::string inside;
  std::string group;
  const Sink sink = [&](const Event& event) {
    recorder.events.push_back(event);
    if (event.name == "limited") {
      inside = child.groups();
      group = std::get<std::string>(event.fields[3].value);
    }
    if (event.name == "throttled") stop.request();
  };
  const auto ran = run_quota({.pid = child.pid(), .neighbour = true, .duration = seconds(30)}, sink, stop);
  if (!ran && ran.error().code == "not_permitted") GTEST_SKIP() << "not permitted here: " << ran.error().message;
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_NE(inside.find("/quoll-pressure-" + std::to_string(::getpid())), std::string::npos) << inside;
  EXPECT_EQ(child.groups(), before);
  EXPECT_NE(::access(group.c_str(), F_OK), 0);
  // The neighbour alone uses up 20 ms of each 100 ms.
  const Event& throttled = recorder.events[1];
  EXPECT_GT(std::get<std::int64_t>(throttled.fields[1].value), 0) << throttled.text;
  EXPECT_EQ(recorder.events.back().name, "restored");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), 0);  // no other child than ours, and that one lives
}

TEST(QuotaPressure, SaysWhereThereAreNoControlGroups) {
  const Child child;
  const StopSignal stop;
  const auto ran = run_quota({.pid = child.pid(), .mounts = "/dev/null"}, {}, stop);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, "not_permitted");
}

TEST(QuotaPressure, RefusesWhatTheKernelWould) {
  const StopSignal stop;
  const auto ran = run_quota({.pid = 2, .percent = 5, .period = milliseconds(10)}, {}, stop);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, "bad_options");
}

TEST(PressureEvent, IsOneJsonObject) {
  const Event event{
      "stop", TimePoint(Duration(7)), {{"stop_ms", 1.5}, {"group", "a\"b"}, {"n", std::int64_t{3}}}, "x\ny"};
  const std::string json = to_json(event);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  const auto object = boost::json::parse(json).as_object();
  EXPECT_EQ(object.at("event").as_string(), "stop");
  EXPECT_EQ(object.at("at_ns").as_int64(), 7);
  EXPECT_EQ(object.at("stop_ms").as_double(), 1.5);
  EXPECT_EQ(object.at("group").as_string(), "a\"b");
  EXPECT_EQ(object.at("text").as_string(), "x\ny");
}

TEST(StopSignal, EndsAWaitThatIsGoingOn) {
  StopSignal stop;
  std::thread other([&stop] { stop.request(); });
  EXPECT_TRUE(stop.wait_for(seconds(30)));
  other.join();
  EXPECT_FALSE(StopSignal().wait_for(Duration::zero()));
}

}  // namespace
}  // namespace quoll::lab::pressure
