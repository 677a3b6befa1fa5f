// The functions by which JavaScript looks into sockets and has a call judged.
#include "env_state.h"
#include "js.h"
#include "quoll/core/judge.h"
#include "socket_look.h"

namespace quoll::node {

namespace {

constexpr std::int64_t kMostFd = 1 << 30;
constexpr std::int64_t kMostCookie = (std::int64_t{1} << 53) - 1;

double or_unknown(const std::optional<Duration>& duration) {
  return duration ? to_millis(*duration) : -1;
}

// tick() -> ms of one tick of the kernel.
napi_value tick(napi_env env, napi_callback_info /*info*/) {
  return make(env, to_millis(kernel_tick()));
}

// stampsOn(fd) -> the socket's cookie; 0: no stamps.
napi_value stamps_on(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t fd = 0;
  if (!arguments.integer(0, "fd", -1, kMostFd, fd)) return nullptr;
  keep_stamps_warm();
  return make(env, fd < 0 ? 0.0 : static_cast<double>(turn_stamps_on(static_cast<int>(fd)) & kMostCookie));
}

// look(fd, cookie, bytesToo): fills the slots from kBytes to kShut.
napi_value look_into(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t fd = 0;
  std::int64_t cookie = 0;
  std::int64_t bytes_too = 0;
  if (!arguments.integer(0, "fd", -1, kMostFd, fd) || !arguments.integer(1, "cookie", 0, kMostCookie, cookie) ||
      !arguments.integer(2, "bytesToo", 0, 1, bytes_too)) {
    return nullptr;
  }
  double* slots = static_cast<EnvState*>(arguments.data())->slots;
  const Look found = look(static_cast<int>(fd), static_cast<std::uint64_t>(cookie), bytes_too != 0);
  slots[kBytes] = static_cast<double>(found.bytes);
  slots[kNewest] = or_unknown(found.newest);
  slots[kOldest] = or_unknown(found.oldest);
  slots[kQuiet] = or_unknown(found.quiet);
  slots[kConnected] = found.connected ? 1 : 0;
  slots[kSentAgo] = or_unknown(found.sent);
  slots[kSegments] = found.segments ? static_cast<double>(*found.segments) : -1;
  slots[kShut] = found.window_shut ? 1 : 0;
  return nullptr;
}

// judge(answer, flags) -> 0 success, 1 failure, 2 timeout, 3 inconclusive. flags: 1 stamped, 2 window shut, 4 arrived.
napi_value judge_call(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  std::int64_t answer = 0;
  std::int64_t flags = 0;
  if (!arguments.integer(0, "answer", 0, 2, answer) || !arguments.integer(1, "flags", 0, 7, flags)) return nullptr;
  double* slots = static_cast<EnvState*>(arguments.data())->slots;
  core::Attempt attempt{.sent_at = to_time(slots[kSent]),
                        .deadline = to_time(slots[kDeadline]),
                        .judged_at = static_cast<EnvState*>(arguments.data())->now(),
                        .local_stall = to_duration(slots[kStall]),
                        .answer = static_cast<core::Answer>(answer),
                        .stamped = (flags & 1) != 0,
                        .window_closed_by_us = (flags & 2) != 0};
  if ((flags & 4) != 0) attempt.arrived_at = to_time(slots[kArrived]);
  const core::Judgement judgement = core::judge(attempt);
  slots[kUpstream] = to_millis(judgement.upstream);
  slots[kLocal] = to_millis(judgement.local);
  slots[kRescued] = judgement.rescued ? 1 : 0;
  return make_int(env, static_cast<std::int32_t>(judgement.verdict));
}

}  // namespace

void define_socket_functions(napi_env env, napi_value exports, EnvState* state) {
  const Function functions[] = {{"tick", tick}, {"stampsOn", stamps_on}, {"look", look_into}, {"judge", judge_call}};
  define(env, exports, state, functions);
}

}  // namespace quoll::node
