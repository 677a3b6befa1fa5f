// Call: one fire() from its permit to its end, with its timer, its attempts and its requests.
//
// The order of what happens at an end is opossum's: core is told, the place is given back, events, fallback, promise.
'use strict';
const { AsyncResource } = require('node:async_hooks');
const deadlines = require('./deadlines');
const { native, slots, AT } = require('./native');
const { scope, needsScope, runScoped, leaveScope, listen } = require('./requests');
const { buildError, isOurLack } = require('./errors');
const clock = require('./clock');
const { keepBack } = require('./batch');
const stalls = require('./stall');
const { VERDICT, lookInto, underWay, lastArrival, judgeLateEnd } = require('./verdict');

const OUTCOME = Object.freeze({ success: 0, failure: 1, timeout: 2, cancelled: 3, ignored: 4 });
const RESCUED = 8;
const NO_RETRY = 32;
// Looks at unread bytes in time, one a turn, before they are taken to be left there on purpose.
const EAGER_LOOKS = 64;

const NOBODY = Object.freeze([]);

// One function for all promises: a closure for each would cost as much as the rest of it.
const captured = { resolve: undefined, reject: undefined };
const capture = (resolve, reject) => {
  captured.resolve = resolve;
  captured.reject = reject;
};

class Call {
  constructor(breaker, number, firedAt, context, args, cacheKey) {
    this.breaker = breaker;
    this.number = number; // core's, or -1: core has not been told of it yet
    this.before = this.after = undefined; // of those, in the breaker's list
    this.context = context;
    this.args = args;
    this.cacheKey = cacheKey;
    this.firedAt = firedAt;
    this.over = false;
    this.attempt = 0;
    this.moved = false; // core has transitions to tell since the last finish
    this.holds = true; // a place of `capacity`
  }

  /** When this attempt began. */
  get startedAt() {
    return this.retriedAt || this.firedAt;
  }

  /** Runs the action. The promise of what comes of it. */
  promise(limit) {
    if (this.breaker.options.retry) return this.kept(limit);
    this.attempt = 1;
    return plainly(this);
  }

  /** The same, with the promise's ends in hand. */
  kept(limit) {
    const promise = new Promise(capture);
    this.resolve = captured.resolve;
    this.reject = captured.reject;
    captured.resolve = captured.reject = undefined;
    try {
      this.begin(limit);
    } catch (error) {
      thrown(this, error);
    }
    return promise;
  }

  begin() {
    this.attempt++;
    run(this);
  }

  stop() {}

  /** Gives its place back, once. */
  giveBack() {
    if (!this.holds) return;
    this.holds = false;
    this.breaker.semaphore.give();
  }

  /** The whole call is over: what it held is let go. */
  end() {
    this.over = true;
    this.giveBack();
    this.stop();
    this.breaker.finished(this);
    this.args = this.context = undefined;
    if (this.resolve !== undefined) this.resolve = this.reject = undefined;
  }
}

// What few calls come to have. An object is as large as what it is given, and most calls are over before they need this.
Object.assign(Call.prototype, {
  resolve: undefined,
  reject: undefined,
  retriedAt: 0, // ms; 0 for the first attempt
  wait: 0, // ms until the next attempt
  timeout: 0, // ms; 0 without one
  deadline: Infinity,
  sentAt: 0, // when its first request left
  controller: undefined,
});

/** A call with a deadline: it has a timer, and its action runs in a scope in which its requests are found. */
class TimedCall extends Call {
  constructor(breaker, number, firedAt, context, args, cacheKey) {
    super(breaker, number, firedAt, context, args, cacheKey);
    this.resolve = this.reject = undefined;
    // What a timer does for the call happens in the context of its fire(). A number for the trigger is the cheapest to check.
    this.inContext = new AsyncResource('QuollCall', 0);
    this.timeout = 0;
    this.deadline = Infinity;
    this.list = this.previous = this.next = undefined; // of deadlines.js
    this.stalledBefore = 0;
    if (needsScope(breaker)) this.parent = scope.getStore();
  }

  promise(limit) {
    return this.kept(limit);
  }

  begin(limit) {
    const fixed = this.breaker.options.timeout;
    this.timeout = fixed === 'adaptive' ? limit : Number(fixed);
    if (fixed === true || !(this.timeout > 0) || this.timeout === Infinity) {
      this.timeout = 0;
      this.deadline = Infinity;
      super.begin();
      return;
    }
    listen();
    this.attempt++;
    this.deadline = this.startedAt + this.timeout;
    if (this.attempt > 1) this.#forgetLastAttempt();
    this.stalledBefore = stalls.enter(this.startedAt);
    deadlines.add(this, Math.ceil(this.timeout));
    if (!needsScope(this.breaker)) {
      run(this);
      return;
    }
    this.scopes++;
    runScoped(this, run);
  }

  #forgetLastAttempt() {
    this.requests = NOBODY;
    this.firstRequest = undefined;
    this.sentAt = this.arrivedAt = this.extended = this.looks = 0;
    this.unsure = false;
  }

  /** A request of its action, or of a call inside it. */
  add(request) {
    if (this.requests === NOBODY) this.requests = [request];
    else this.requests.push(request);
  }

  /** A request left. The first one starts the clock. */
  left(now, request) {
    if (this.over || this.timeout === 0 || (this.sentAt > 0 && this.firstRequest !== request)) return;
    this.firstRequest = request;
    this.sentAt = now;
    this.deadline = now + this.timeout;
  }

  stop() {
    if (this.timeout === 0) return;
    deadlines.remove(this);
    if (this.timer !== undefined) clearTimeout(this.timer);
    stalls.leave();
    this.timeout = 0;
  }

  // A socket that was opened in its scope keeps the call for as long as it lives.
  end() {
    super.end();
    if (this.requests !== NOBODY) {
      this.requests = NOBODY;
      this.firstRequest = undefined;
    }
    for (; this.scopes > 0; this.scopes--) leaveScope(this.breaker);
    if (this.parent !== undefined) this.parent = undefined;
    if (this.timer !== undefined) this.timer = undefined;
  }
}

Object.assign(TimedCall.prototype, {
  timer: undefined, // one of its own, for a second look
  scopes: 0, // runs of the action in a scope
  parent: undefined, // the call whose action made this one
  requests: NOBODY,
  firstRequest: undefined,
  arrivedAt: 0, // bytes in time were seen in the socket
  unsure: false,
  extended: 0, // ms of our own stall that the deadline was already moved for
  looks: 0,
});

// Without a deadline nobody but the action ends the call: its own promise will do.
function plainly(call) {
  let result;
  try {
    result = call.breaker.action.apply(call.context, call.args);
  } catch (error) {
    return rejected(call, error);
  }
  if (!(result instanceof Promise)) result = Promise.resolve(result);
  return result.then((value) => {
    try {
      succeeded(call, value, result);
    } catch (error) {
      thrown(call, error);
      throw error;
    }
    return value;
  }, (error) => rejected(call, error));
}

function rejected(call, error) {
  return new Promise((resolve, reject) => {
    call.resolve = resolve;
    call.reject = reject;
    try {
      failed(call, error);
    } catch (second) {
      thrown(call, second);
      reject(second);
    }
  });
}

function run(call) {
  const { breaker, attempt } = call;
  let result;
  try {
    result = breaker.action.apply(call.context, call.args);
  } catch (error) {
    failed(call, error);
    return;
  }
  if (typeof result?.then !== 'function') result = Promise.resolve(result);
  result.then((value) => {
    if (call.over || call.attempt !== attempt) return;
    try {
      succeeded(call, value, result);
    } catch (error) {
      thrown(call, error);
    }
  }, (error) => {
    if (call.over || call.attempt !== attempt) return;
    try {
      failed(call, error);
    } catch (second) {
      thrown(call, second);
    }
  });
}

// A listener, or the user's errorFilter, threw.
function thrown(call, error) {
  if (call.over) return;
  const { reject } = call;
  if (call.number < 0) call.breaker.delist(call);
  else native.drop(call.number);
  call.end();
  reject?.(error);
}

/** Tells core. True if it wants another attempt. */
function tell(call, outcome, now, flags) {
  slots[AT.now] = now;
  slots[AT.inFlight] = call.breaker.inFlight;
  const again = native.finish(call.number, outcome | flags) === 1;
  call.moved = slots[AT.moved] === 1;
  if (again) {
    call.wait = slots[AT.upstream];
    return true;
  }
  return false;
}

function measure(call, now) {
  let upstream = now - (call.sentAt || call.startedAt);
  let local = 0;
  if (call.breaker.exact && call.timeout > 0 && upstream > stalls.WORTH) {
    const arrived = lastArrival(call, now);
    if (arrived !== undefined) {
      local = now - arrived;
      upstream -= local;
    }
  }
  slots[AT.upstream] = upstream < 0 ? 0 : upstream;
  slots[AT.local] = local;
}

function succeeded(call, value, promise) {
  const { breaker } = call;
  const now = clock.now();
  if (call.number < 0) {
    if (now <= call.deadline) {
      breaker.delist(call);
      keepBack(breaker.circuit, now, now - (call.sentAt || call.startedAt), breaker.inFlight);
      breaker.onSuccess(call, value, now, 0, promise);
      return;
    }
  }
  breaker.tellOfAll();
  let outcome = OUTCOME.success;
  let flags = 0;
  if (now > call.deadline) {
    const verdict = judgeLateEnd(call, now, true);
    if (verdict === VERDICT.timeout) {
      timedOut(call, now);
      return;
    }
    noteStall(call, now);
    if (verdict === VERDICT.inconclusive) outcome = OUTCOME.ignored;
    else if (slots[AT.rescued] === 1) flags = RESCUED;
  } else {
    measure(call, now);
  }
  tell(call, outcome, now, flags);
  breaker.onSuccess(call, value, now, outcome === OUTCOME.ignored ? 2 : flags === RESCUED ? 1 : 0, promise);
}

function failed(call, error) {
  const { breaker } = call;
  const now = clock.now();
  breaker.tellOfAll();
  if (breaker.options.errorFilter(error, ...call.args)) {
    measure(call, now);
    tell(call, OUTCOME.success, now, 0);
    breaker.onFiltered(call, error, Math.round(now - call.firedAt));
    return;
  }
  let outcome = OUTCOME.failure;
  if (now > call.deadline) {
    const verdict = judgeLateEnd(call, now, false);
    if (verdict === VERDICT.timeout) {
      timedOut(call, now);
      return;
    }
    if (verdict === VERDICT.inconclusive) outcome = OUTCOME.ignored;
  } else {
    measure(call, now);
  }
  if (isOurLack(error) && !breaker.compat) outcome = OUTCOME.ignored;
  if (tell(call, outcome, now, 0)) {
    retry(call, error);
    return;
  }
  breaker.onFailure(call, error, Math.round(now - call.firedAt), 'error');
}

function retry(call, error) {
  call.stop();
  call.attempt++; // whatever the last one still says is no longer heard
  call.breaker.onRetry(call, error);
  setTimeout(again, call.wait, call, error);
}

function again(call, error) {
  if (call.over) return;
  call.retriedAt = slots[AT.now] = clock.now();
  if (native.again(call.number) < 0) {
    call.moved = slots[AT.moved] === 1;
    call.breaker.onFailure(call, error, Math.round(slots[AT.now] - call.firedAt), 'error');
    return;
  }
  call.begin(slots[AT.upstream]);
}

function noteStall(call, now) {
  const stall = Math.max(stalls.stalledSince(call.stalledBefore, now), now - call.deadline);
  if (stall > stalls.WORTH) {
    slots[AT.now] = now;
    const { upstream, local, rescued } = { upstream: slots[AT.upstream], local: slots[AT.local], rescued: slots[AT.rescued] };
    native.noteStall(call.breaker.circuit, stall);
    slots[AT.upstream] = upstream;
    slots[AT.local] = local;
    slots[AT.rescued] = rescued;
  }
}

function timedOut(call, now, outcome = OUTCOME.timeout) {
  const { breaker } = call;
  breaker.tellOfAll();
  noteStall(call, now);
  slots[AT.upstream] = call.timeout;
  slots[AT.local] = Math.max(0, now - call.deadline);
  const error = buildError(`Timed out after ${breaker.limitOf(call)}ms`, 'ETIMEDOUT');
  const wantsRetry = tell(call, outcome, now, outcome === OUTCOME.timeout ? 0 : NO_RETRY);
  call.controller?.abort();
  if (wantsRetry) {
    retry(call, error);
    return;
  }
  breaker.onTimeout(call, error, Math.round(now - call.firedAt));
}

// From a timer: what a listener throws is nobody's to catch, but the call ends all the same.
function timedOutByTimer(call, now, outcome) {
  try {
    timedOut(call, now, outcome);
  } catch (error) {
    thrown(call, error);
    throw error;
  }
}

// The timer fired.
TimedCall.prototype.expired = function expired() {
  timerFired(this);
};

function timerFired(call) {
  if (call.over) return;
  const now = clock.now();
  if (call.sentAt > 0 && now < call.deadline) {
    arm(call, call.deadline - now);
    return;
  }
  consider(call, now);
}

function arm(call, millis) {
  call.timer = setTimeout(timerFired, Math.max(1, Math.ceil(millis)), call);
}

// After the poll phase that may have read the answer.
function polled(call, attempt) {
  if (call.over || call.attempt !== attempt) return;
  const now = clock.now();
  if (call.sentAt > 0 && now < call.deadline) {
    arm(call, call.deadline - now);
    return;
  }
  consider(call, now, true);
}

function consider(call, now, polledAlready = false) {
  const found = lookInto(call, now);
  if (found === 'timeout') {
    timedOutByTimer(call, now);
    return;
  }
  if (found === 'early') {
    arm(call, call.deadline - now);
    return;
  }
  if (found === 'unsure') call.unsure = true;
  if (found === 'wait' || found === 'unsure') {
    waitForReading(call, now);
    return;
  }
  if (!polledAlready && !clock.faked()) {
    setImmediate(polled, call, call.attempt);
    return;
  }
  // Nothing can be seen. Our own stall is not the callee's: it gets as much time as the loop stood still.
  const stall = Math.max(stalls.stalledSince(call.stalledBefore, now), 0) - call.extended;
  if (stall > stalls.WORTH && !clock.faked()) {
    call.extended += stall;
    arm(call, call.deadline + call.extended - now);
    return;
  }
  // The answer came in time and is whole: what still takes its time is the action itself.
  timedOutByTimer(call, now, call.arrivedAt > 0 && underWay(call).length === 0 ? OUTCOME.ignored : OUTCOME.timeout);
}

function waitForReading(call, now) {
  if (now > call.deadline + Math.max(call.timeout, 1000)) {
    // It lies there because nobody here reads it. That is no fault of the callee's.
    timedOutByTimer(call, now, OUTCOME.ignored);
  } else if (call.looks++ < EAGER_LOOKS) {
    setImmediate(polled, call, call.attempt);
  } else {
    call.timer = setTimeout(polled, 10, call, call.attempt);
  }
}

module.exports = { Call, TimedCall };
