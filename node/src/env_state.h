// EnvState: everything one JavaScript environment (the main thread, or one worker thread) has in the add-on.
//
// Nothing is shared between environments, so a worker that is terminated in the middle of a call takes only its own
// with it. The state outlives every finalizer that names it (shared_ptr).
//
// Loop-confined.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "circuit.h"
#include "page_server.h"
#include "quoll/core/admission.h"

namespace quoll::node {

// Numbers that cross with each call lie in one array that both sides see: cheaper than arguments.
enum Slot : std::size_t {
  kNow = 0,        // in: performance.now(), ms, or 0; out: the time that was taken
  kUpstream = 1,   // in (finish, judge); out: the timeout (start), the wait (finish)
  kLocal = 2,      // in (finish, judge); out: retry after (start)
  kMoved = 3,      // out: transitions wait to be taken
  kTrial = 4,      // out: the call is a trial
  kBytes = 5,      // out (look): bytes in the socket, or -errno
  kNewest = 6,     // out (look): age of the newest bytes, ms; -1 if unknown
  kOldest = 7,     // out (look): age of the oldest bytes, ms; -1 if unknown
  kQuiet = 8,      // out (look): since the last bytes of any time, ms; -1 if unknown
  kConnected = 9,  // out (look): the connection is established
  kShut = 10,      // out (look): our receive window is shut
  kSent = 11,      // in (judge)
  kDeadline = 12,  // in (judge)
  kArrived = 13,   // in (judge)
  kStall = 14,     // in (judge)
  kRescued = 15,   // out (judge)
  kInFlight = 16,  // in (start, finish): calls under way
  kSegments = 17,  // out (look): segments with data so far; -1 if unknown
  kSentAgo = 18,   // out (look): since we last sent data, ms; -1 if unknown
  kSlots = 19,
};

// Good calls of a closed circuit cross many at a time: [circuit, ended, upstream, calls under way] each.
inline constexpr std::size_t kBatch = 64;
inline constexpr std::size_t kBatchRow = 4;
inline constexpr std::size_t kNumbers = kSlots + kBatch * kBatchRow;

struct EnvState : std::enable_shared_from_this<EnvState> {
  double* slots = nullptr;
  napi_ref slots_ref = nullptr;
  Calls calls;
  std::vector<std::shared_ptr<Circuit>> circuits;  // by their numbers; empty where one is gone
  std::vector<std::size_t> free_circuits;
  // From performance.now() to the steady clock, ms. Both are CLOCK_MONOTONIC; only their zeros differ.
  double now_offset = 0;

  // The time of this call: what JavaScript put into the slot, or the clock if that is 0.
  TimePoint now();
  std::unordered_map<std::int64_t, std::unique_ptr<core::AdmissionControl>> admissions;
  std::int64_t next_admission = 1;
  // Shared with the page server's thread, which outlives no environment.
  std::shared_ptr<Pages> pages = std::make_shared<Pages>();
  std::unique_ptr<PageServer> server;
};

void define_circuit_functions(napi_env env, napi_value exports, EnvState* state);
void define_socket_functions(napi_env env, napi_value exports, EnvState* state);
void define_admission_functions(napi_env env, napi_value exports, EnvState* state);
void define_page_functions(napi_env env, napi_value exports, EnvState* state);

struct Function {
  const char* name;
  napi_callback call;
};
template <std::size_t N>
void define(napi_env env, napi_value exports, EnvState* state, const Function (&functions)[N]) {
  for (const Function& each : functions) {
    napi_value value = nullptr;
    if (napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.call, state, &value) == napi_ok) {
      napi_set_named_property(env, exports, each.name, value);
    }
  }
}

}  // namespace quoll::node
