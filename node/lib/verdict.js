// Whether a call is in time, when its timer fires and when its answer is there after all.
//
// The timer's callback runs before libuv polls, so what arrived while the loop stood still lies unread in the socket,
// with the kernel's stamp. So, in that very callback:
//
//   bytes stamped by the deadline     the answer, or its beginning, came in time: one poll phase reads it; look again
//   nothing, or bytes stamped later   a timeout
//   the request has not left yet, or  wait for one poll phase, and then for as long as our own loop stood still in the
//   no socket can be seen             call's life. Still nothing: a timeout. An answer by then: inconclusive
//
// An answer that was read after the deadline before the timer ran is judged by when its last bytes arrived (TCP_INFO).
// The rules for an arrival are core's (judge.h).
'use strict';
const { native, slots, AT } = require('./native');
const { owns, stamp, noteArrival, cameAtOnce, refineSent, TICK } = require('./requests');
const { stalledSince, WORTH } = require('./stall');

const VERDICT = Object.freeze({ success: 0, failure: 1, timeout: 2, inconclusive: 3 });
const ANSWER = Object.freeze({ none: 0, good: 1, bad: 2 });
const EAGAIN = -11;

/** The requests of a call that still wait for their answers, newest last. */
const underWay = (call) => call.requests.filter((each) => !each.done);

function fillAttempt(call, now, arrived, stall) {
  slots[AT.now] = now;
  slots[AT.sent] = call.sentAt || call.startedAt;
  slots[AT.deadline] = call.deadline;
  slots[AT.arrived] = arrived;
  slots[AT.stall] = stall;
}

/** core's judgement of an answer that arrived then. Leaves upstream, local and rescued in the slots. */
function judgeArrival(call, now, arrived, stamped, answer) {
  fillAttempt(call, now, arrived, 0);
  return native.judge(answer, (stamped ? 1 : 0) | 4);
}

/**
 * What the sockets say when the timer fires: 'wait' (bytes in time, or the connection is there), 'timeout' (nothing in
 * time), 'early' (nothing, but the request left later than it seemed), 'unsure' (bytes from before and after the deadline) or
 * 'unseen' (nothing to look into).
 */
function lookInto(call, now) {
  let found = 'unseen';
  for (const request of underWay(call)) {
    if (request.socket === null || !owns(request)) continue;
    if (request.cookie === 0) stamp(request);
    if (request.cookie === 0) continue;
    const one = lookIntoOne(call, request, now);
    if (one === 'wait') return one;
    if (one !== 'unseen' && found !== 'unsure') found = one;
  }
  return found;
}

function lookIntoOne(call, request, now) {
  native.look(request.fd, request.cookie, 1);
  const bytes = slots[AT.bytes];
  if (!request.left) {
    // A connection that is there, though our loop has not heard of it; or a handshake's answer that waits to be read.
    return bytes > 0 || (slots[AT.connected] === 1 && request.socket.connecting) ? 'wait' : 'unseen';
  }
  refineSent(request, now);
  if (bytes === EAGAIN) return now < call.deadline ? 'early' : 'timeout';
  if (bytes === 0) return 'wait'; // the end of the stream: the action will hear of it
  if (bytes < 0) return 'unseen'; // closed, or another's by now
  const shut = slots[AT.shut] === 1;
  const oldest = slots[AT.oldest];
  const age = slots[AT.newest] >= 0 ? slots[AT.newest] : slots[AT.quiet];
  if (age < 0) return 'unseen';
  fillAttempt(call, now, now - age, 0);
  const verdict = native.judge(ANSWER.good, (slots[AT.newest] >= 0 ? 1 : 0) | (shut ? 2 : 0) | 4);
  if (verdict === VERDICT.success) {
    call.arrivedAt = now - age;
    return 'wait';
  }
  if (verdict === VERDICT.inconclusive || (oldest >= 0 && now - oldest <= call.deadline)) return 'unsure';
  // The kernel joins segments and keeps the newest's stamp. An action that waits for the head alone may have had it in time.
  return request.begun || cameAtOnce(request) ? 'timeout' : 'unsure';
}

/**
 * The request whose answer ended a call: its newest that has one noted or noted now. undefined if none can be seen. Its
 * arrivedAt is by the kernel's ticks.
 */
function lastAnswered(call) {
  const request = call.requests.at(-1);
  if (request === undefined || request.sentAt === 0) return undefined;
  if (request.arrivedAt < 0 && request.socket !== null && owns(request)) noteArrival(request);
  return request.arrivedAt < request.sentAt - TICK ? undefined : request;
}

/** When the last bytes of a call's newest request arrived, by the kernel's ticks; undefined if it cannot say. */
function lastArrival(call, now) {
  const request = call.requests.at(-1);
  if (request === undefined || request.cookie === 0 || request.socket === null || !owns(request)) return undefined;
  native.look(request.fd, request.cookie, 0);
  if (slots[AT.bytes] < 0 || slots[AT.quiet] < 0 || request.sentAt === 0) return undefined;
  const arrived = now - slots[AT.quiet];
  return arrived < request.sentAt - TICK ? undefined : Math.max(arrived, request.sentAt);
}

/**
 * What an answer that is there after the deadline is: sets upstream, local and rescued in the slots. `good` says whether
 * the action succeeded.
 */
function judgeLateEnd(call, now, good) {
  const answer = good ? ANSWER.good : ANSWER.bad;
  if (call.unsure) return VERDICT.inconclusive;
  if (call.arrivedAt > 0) return judgeArrival(call, now, call.arrivedAt, true, answer);
  const request = lastAnswered(call);
  if (request !== undefined) {
    let arrived = Math.max(request.arrivedAt, request.sentAt);
    if (arrived > call.deadline && arrived <= call.deadline + TICK) arrived = call.deadline;
    // Its end was late; but perhaps the beginning, which was not, is all that the action asked for.
    if (arrived > call.deadline && !request.whole) return VERDICT.inconclusive;
    return judgeArrival(call, now, arrived, false, answer);
  }
  const late = now - call.deadline;
  const stall = stalledSince(call.stalledBefore, now);
  slots[AT.upstream] = now - (call.sentAt || call.startedAt);
  slots[AT.local] = 0;
  slots[AT.rescued] = 0;
  if (stall > WORTH || late > WORTH) return VERDICT.inconclusive;
  return good ? VERDICT.success : VERDICT.failure;
}

module.exports = { VERDICT, lookInto, underWay, lastArrival, judgeLateEnd };
