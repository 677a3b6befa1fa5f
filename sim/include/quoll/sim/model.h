// Model: the modelled world, every option of it.
//
// In the order in which a request meets it:
//
//   clients   an open loop: Poisson arrivals at `rate`, whatever becomes of them; or a closed loop: `clients` of them,
//             each asking again after a think time (exponential) when it has its answer. A client gives up after
//             `patience`; the process is not told, as with HTTP/1.1, and may go on working for nobody.
//   process   one CPU, one piece of work at a time, each at its cost: taking a request on, reading an answer, running a
//             timer, refusing. Timers that are due run before reads, as in the event loops of Node and Asio. A stall is
//             a piece of work like any other, and everything waits behind it.
//   network   a fixed delay plus a uniform jitter, each way.
//   backend   `endpoints` of them, each with `workers` servers and one bounded queue, first come first served. What
//             finds it full is refused at once (503). It does not know of deadlines: a call that the caller has given
//             up is served like any other, and that is what makes overload collapse.
//
// Thread-compatible: a plain value.
#pragma once

#include <cstdint>

#include "quoll/base/duration_range.h"
#include "quoll/base/schema.h"
#include "quoll/base/time.h"

namespace quoll::sim {

enum class Service : std::uint8_t { fixed, uniform, exponential, lognormal };
const char* to_string(Service service);

struct ClientModel {
  double rate = 100;
  unsigned clients = 0;
  Duration think = std::chrono::seconds(1);
  Duration patience = std::chrono::seconds(2);

  static void describe(auto&& field) {
    using M = ClientModel;
    using std::chrono::hours;
    field("rate", &M::rate, schema::within(0.001, 1e6), "Requests a second, Poisson; not looked at with clients.");
    field("clients", &M::clients, schema::within(0, 100'000).zero_is("an open loop"), "A closed loop of so many.");
    field("think", &M::think, schema::within(Duration::zero(), hours(1)), "Closed loop: mean pause, exponential.");
    field("patience", &M::patience, schema::within(std::chrono::milliseconds(1), hours(1)), "Until a client gives up.");
  }
};

struct ProcessModel {
  Duration request_cost = std::chrono::microseconds(30);
  Duration answer_cost = std::chrono::microseconds(30);
  Duration refuse_cost = std::chrono::microseconds(10);
  DurationRange stall = {std::chrono::milliseconds(600), std::chrono::milliseconds(600)};
  DurationRange stall_every = {std::chrono::seconds(1), std::chrono::seconds(2)};

  static void describe(auto&& field) {
    using M = ProcessModel;
    constexpr schema::Range kCost = schema::within(Duration::zero(), std::chrono::seconds(10));
    field("request_cost", &M::request_cost, kCost, "CPU time to take a request on and send it.");
    field("answer_cost", &M::answer_cost, kCost, "CPU time to read an answer and reply.");
    field("refuse_cost", &M::refuse_cost, kCost, "CPU time to refuse.");
    field("stall", &M::stall, schema::within(Duration::zero(), std::chrono::minutes(1)),
          "While stalls are on: how long the loop is blocked, uniform.");
    field("stall_every", &M::stall_every, schema::within(std::chrono::milliseconds(1), std::chrono::hours(1)),
          "While stalls are on: the pause until the next, uniform.");
  }
};

struct NetworkModel {
  Duration delay = std::chrono::microseconds(200);
  Duration jitter = std::chrono::microseconds(100);

  static void describe(auto&& field) {
    using M = NetworkModel;
    field("delay", &M::delay, schema::within(Duration::zero(), std::chrono::seconds(10)), "One way.");
    field("jitter", &M::jitter, schema::within(Duration::zero(), std::chrono::seconds(10)),
          "One way, on top, uniform from 0.");
  }
};

struct BackendModel {
  unsigned endpoints = 1;
  unsigned workers = 16;
  unsigned queue = 1024;
  Service service = Service::lognormal;
  Duration mean = std::chrono::milliseconds(20);
  double sigma = 0.5;
  double degradation = 0;
  double error_rate = 0;

  static void describe(auto&& field) {
    using M = BackendModel;
    field("endpoints", &M::endpoints, schema::within(1, 1'000), "Servers behind one name.");
    field("workers", &M::workers, schema::within(1, 10'000), "Calls that an endpoint serves at a time.");
    field("queue", &M::queue, schema::within(0, 1'000'000), "Calls that may wait at an endpoint.");
    field("service", &M::service, schema::words_to(Service::lognormal), "Distribution of the service time.");
    field("mean", &M::mean, schema::within(std::chrono::microseconds(1), std::chrono::minutes(1)),
          "Mean service time.");
    field(
        "sigma", &M::sigma, schema::within(0, 3),
        "Its spread. lognormal: of the logarithm; uniform: from (1 - sigma) to (1 + sigma) times the mean, at most 1.");
    field("degradation", &M::degradation, schema::within(0, 100),
          "A job that starts with all workers busy takes (1 + this) times as long, with half of them half of that.");
    field("error_rate", &M::error_rate, schema::share(0, 1), "Share of calls that are answered with an error.");
  }
};

// Parts of a scenario's course, and how hard it is; what they mean is said by the scenario. At least a second each, so
// that there is something to see; together a day at most.
struct Course {
  Duration before = std::chrono::seconds(30);
  Duration trouble = std::chrono::seconds(30);
  Duration after = std::chrono::seconds(60);
  double severity = 1;

  static void describe(auto&& field) {
    constexpr schema::Range kPart = schema::within(std::chrono::seconds(1), std::chrono::hours(8));
    field("before", &Course::before, kPart, "Calm at first.");
    field("trouble", &Course::trouble, kPart, "The trouble.");
    field("after", &Course::after, kPart, "Afterwards.");
    field("severity", &Course::severity, schema::within(0, 1'000), "How bad; see the scenario.");
  }
};

struct Model {
  ClientModel client;
  ProcessModel process;
  NetworkModel network;
  BackendModel backend;
  Course course;

  static void describe(auto&& field) {
    field("client", &Model::client, "Who asks.");
    field("process", &Model::process, "The process under test.");
    field("network", &Model::network, "Between it and the backend.");
    field("backend", &Model::backend, "What it calls.");
    field("course", &Model::course, "What happens when.");
  }
};

}  // namespace quoll::sim
