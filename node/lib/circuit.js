// CircuitBreaker: opossum's class, on Quoll's core.
//
// State, window and evidence are core's; a call is core's PipelineCall. This file has what a user of opossum sees:
// options, events in their order, cache, coalescing, fallback, promises. A call's own life is in call.js, its verdict in
// verdict.js.
'use strict';
const { EventEmitter } = require('node:events');
const { randomUUID } = require('node:crypto');
const { native, slots, AT } = require('./native');
const { buildError, isOurError } = require('./errors');
const { fill, forCore } = require('./options');
const { Call, TimedCall } = require('./call');
const clock = require('./clock');
const { flush } = require('./batch');
const { scope } = require('./requests');
const { controllerOf, ownSignals, forget, abortShared } = require('./abort');
const semaphore = require('./semaphore');
const Registry = require('./registry');
const Status = require('./status');

const CLOSED = 'closed';
const OPEN = 'open';
const HALF_OPEN = 'half_open';
const SHUTDOWN = 'shutdown';

// Promises of refused calls. They are not coalesced: it costs nothing to ask again.
const refusals = new WeakSet();

// What counts a shut breaker's calls: nobody. Its Status may be another breaker's too.
const NOBODY = { increment() {}, fired() {}, succeeded() {}, open() {}, close() {} };

class CircuitBreaker extends EventEmitter {
  #state = CLOSED;
  #shut = false;
  #enabled;
  #warmUp;
  #status;
  #counts; // the same, until the shutdown
  #name;
  #group;
  #volumeThreshold;
  #fallback = null;
  #resetTimer;
  #opensUntil = 0; // performance.now() at which the time open is over
  #warmUpTimer;
  #lastTimerAt;
  #healthTimers = [];
  #owner; // what keeps core's part alive
  #untold; // the newest of a list of calls
  #plain; // good calls teach core nothing but their number and time

  /** Whether an error is the breaker's own, and not the action's. */
  static isOurError(error) {
    return isOurError(error);
  }

  /** A Status with counts from before, to start a breaker with. */
  static newStatus(options) {
    return new Status(options);
  }

  constructor(action, options = {}) {
    super();
    this.options = fill(options);
    this.compat = options.compat === 'opossum';
    if (!action) {
      throw new TypeError('No action provided. Cannot construct a CircuitBreaker without an invocable action.');
    }
    this.action = typeof action === 'function' ? action : () => Promise.resolve(action);
    this.semaphore = semaphore(this.options.capacity);
    this.#volumeThreshold = Number.isInteger(options.volumeThreshold) ? options.volumeThreshold : 0;
    this.#warmUp = options.allowWarmUp === true || !!options.state?.warmUp;
    this.#enabled = (options.state ? options.state.enabled : options.enabled) !== false;
    this.#name = options.name || action.name || randomUUID();
    this.#group = options.group || this.#name;
    this.#status = options.status instanceof Status ? options.status
      : new Status(options.status ? { compat: options.compat, stats: options.status } : this.options);
    this.#counts = this.#status;
    if (options.maxFailures) console.error('options.maxFailures is deprecated. Please use options.errorThresholdPercentage');
    // A timeout or a slow call is held against the callee by when its answer arrived, also while all is in time.
    this.exact = options.timeout === 'adaptive' || options.slowCallThreshold > 0;
    this.#plain = !this.exact && !options.retry && !(options.ramp > 0);
    this.inFlight = 0;
    this.fruitless = 0; // calls with a deadline that made no request, as long as nobody has made one
    this.#makeCircuit();
    this.#startWarmUp();
    if (this.compat) this.#lastTimerAt = Date.now();
    if (options.state) this.#restore(options.state);
  }

  #makeCircuit() {
    flush(); // the number may have been another's
    slots[AT.now] = clock.now();
    const { id, owner } = native.createCircuit(forCore(this.options, this.#name));
    this.circuit = id;
    this.#owner = owner;
    if (!this.options.status) return;
    const total = (name) => Math.max(0, Math.floor(this.#status.total(name)) || 0);
    const failures = total('failures');
    const timeouts = Math.min(failures, total('timeouts'));
    native.prime(id, total('fires'), total('successes'), failures - timeouts, timeouts);
  }

  #startWarmUp() {
    // Under compat the decision is opossum's own rule, below: core takes no rate.
    if (this.compat) this.#command('warm');
    if (!this.#warmUp) return;
    this.#command('warm');
    this.#warmUpTimer = setTimeout(() => {
      this.#warmUp = false;
      if (!this.compat) this.#command('cool');
    }, this.options.rollingCountTimeout);
    this.#warmUpTimer.unref?.();
  }

  #restore(state) {
    if (state.shutdown) {
      this.shutdown();
    } else if (state.closed !== false) {
      // It is.
    } else if (state.halfOpen || (state.lastTimerAt !== undefined && Date.now() - state.lastTimerAt > this.options.resetTimeout)) {
      // As if it had opened long ago.
      slots[AT.now] = clock.now() - 2 * Math.max(1, this.options.resetTimeoutMax ?? 0, this.options.resetTimeout) - 1;
      native.command(this.circuit, 'open');
      native.takeTransitions(this.circuit);
      this.#command('poll');
    } else {
      this.open();
      if (!this.compat && state.lastTimerAt !== undefined) this.#lastTimerAt = state.lastTimerAt;
    }
  }

  #command(what, now = clock.now()) {
    this.tellOfAll();
    slots[AT.now] = now;
    native.command(this.circuit, what);
    if (slots[AT.moved] === 1) this.#follow();
  }

  // What core decided becomes events.
  #follow() {
    slots[AT.moved] = 0;
    for (const transition of native.takeTransitions(this.circuit)) {
      const to = transition.to === 'closed' ? CLOSED : transition.to === 'open' ? OPEN : HALF_OPEN;
      this.#state = to;
      clearTimeout(this.#resetTimer);
      this.#resetTimer = undefined;
      if (to === OPEN) this.#opened(transition);
      else this.#renewAbortController();
      if (to === HALF_OPEN) this.emit('halfOpen', this.options.resetTimeout);
      if (to === CLOSED) {
        this.#counts.close();
        this.emit('close');
      }
      this.emit('transition', transition);
    }
  }

  #opened(transition) {
    const openFor = transition.evidence.openFor;
    if (!this.compat) this.#lastTimerAt = Date.now();
    this.#opensUntil = transition.at + openFor;
    if (!this.#shut) this.#armReset(openFor);
    this.#counts.open();
    this.emit('open');
  }

  #armReset(millis) {
    this.#resetTimer = setTimeout(() => {
      // A timer may be a fraction of a millisecond early; it is the timer that says that the time is over.
      this.#command('poll', Math.max(clock.now(), this.#opensUntil));
    }, millis);
    this.#resetTimer.unref?.();
  }

  #renewAbortController() {
    const { autoRenewAbortController, abortController } = this.options;
    if (autoRenewAbortController && abortController?.signal?.aborted) this.options.abortController = new AbortController();
  }

  /** Closes the circuit by hand. */
  close() {
    if (this.#state === CLOSED) return;
    const wasShutdown = this.#state === SHUTDOWN;
    this.#shut = false;
    this.#command('close');
    if (wasShutdown && this.#state === SHUTDOWN) this.#state = CLOSED; // core had it closed
  }

  /** Opens the circuit by hand; trials follow after resetTimeout. */
  open() {
    if (this.#state === OPEN) return;
    this.#command('open');
  }

  /** Ends it: every later call is refused with ESHUTDOWN, timers and listeners go, the cache is emptied. */
  shutdown() {
    this.emit('shutdown');
    this.disable();
    this.removeAllListeners();
    clearTimeout(this.#resetTimer);
    clearTimeout(this.#warmUpTimer);
    this.#healthTimers.forEach(clearInterval);
    this.#status.shutdown();
    this.#counts = NOBODY;
    this.#state = SHUTDOWN;
    this.#shut = true;
    this.clearCache();
  }

  /** Still true when a call from before the shutdown has failed and opened the circuit since (not so under compat). */
  get isShutdown() {
    return this.compat ? this.#state === SHUTDOWN : this.#shut;
  }

  get name() {
    return this.#name;
  }

  get group() {
    return this.#group;
  }

  /** Half-open, and the next call will be the trial. */
  get pendingClose() {
    if (this.#state !== HALF_OPEN) return false;
    return this.#refusesFor(clock.now()) === 0;
  }

  get closed() {
    return this.#state === CLOSED;
  }

  get opened() {
    return this.#state === OPEN;
  }

  get halfOpen() {
    return this.#state === HALF_OPEN;
  }

  get status() {
    return this.#status;
  }

  get stats() {
    return this.#status.stats;
  }

  get enabled() {
    return this.#enabled;
  }

  get warmUp() {
    return this.#warmUp;
  }

  get volumeThreshold() {
    return this.#volumeThreshold;
  }

  toJSON() {
    return {
      state: {
        name: this.name,
        enabled: this.enabled,
        closed: this.closed,
        open: this.opened,
        halfOpen: this.halfOpen,
        warmUp: this.warmUp,
        shutdown: this.isShutdown,
        lastTimerAt: this.#lastTimerAt,
      },
      status: this.stats,
    };
  }

  /** What answers when the action does not: a function of the call's arguments and the error, or another breaker. */
  fallback(func) {
    this.#fallback = func instanceof CircuitBreaker ? (...args) => func.fire(...args) : func;
    return this;
  }

  /** Calls the action with these arguments. */
  fire(...args) {
    return this.#fire(this.action, args);
  }

  /** The same with `context` as the action's `this`. */
  call(context, ...args) {
    return this.#fire(context, args);
  }

  #fire(context, args) {
    if (this.isShutdown) return Promise.reject(buildError('The circuit has been shutdown.', 'ESHUTDOWN'));
    const { options } = this;
    if (this.#enabled && !options.cache && !options.coalesce && this.listenerCount('fire') === 0) {
      return this.#admit(context, args, '');
    }
    return this.#fireSlowly(context, args);
  }

  // With a cache, with coalescing, disabled, or with somebody who listens to `fire`.
  #fireSlowly(context, args) {
    this.#counts.increment('fires');
    this.emit('fire', args);
    if (!this.#enabled) {
      const result = this.action.apply(context, args);
      return typeof result?.then === 'function' ? result : Promise.resolve(result);
    }
    const { options } = this;
    if (!options.cache && !options.coalesce) return this.#admit(context, args, '', true);
    const key = options.cacheGetKey.apply(this, args);
    const known = this.#known(key);
    if (known) return known;
    const promise = this.#admit(context, args, key, true);
    if (options.coalesce && !refusals.has(promise)) {
      options.coalesceCache.set(key, promise, options.coalesceTTL > 0 ? Date.now() + options.coalesceTTL : 0);
    }
    return promise;
  }

  // An answer from the cache, or of a call under way with the same key.
  #known(key) {
    const { options } = this;
    if (options.cache) {
      const cached = options.cacheTransport.get(key);
      if (cached) {
        this.#tally('cacheHits', 'cacheHit');
        return cached;
      }
      this.#tally('cacheMisses', 'cacheMiss', false);
    }
    if (!options.coalesce) return undefined;
    const running = options.coalesceCache.get(key);
    if (running) this.#tally('coalesceCacheHits', 'coalesceCacheHit');
    else this.#tally('coalesceCacheMisses', 'coalesceCacheMiss', false);
    return running;
  }

  #tally(counter, event, begun = true) {
    if (begun) {
      slots[AT.now] = clock.now();
      native.count(this.circuit, 'begun');
    }
    this.#counts.increment(counter);
    this.emit(event);
  }

  #admit(context, args, key, counted = false) {
    const now = clock.now();
    if (!counted) this.#counts.fired(now);
    const { semaphore: places, options } = this;
    if (places.full && this.#state !== OPEN && (this.#state !== HALF_OPEN || this.#refusesFor(now) === 0)) {
      return this.#noRoom(args, key);
    }
    let number = -1;
    let limit = Infinity;
    if (this.#state !== CLOSED || !this.#plain) {
      flush();
      slots[AT.now] = now;
      slots[AT.inFlight] = this.inFlight + 1;
      number = native.start(this.circuit, 1);
      limit = slots[AT.upstream];
      const refusedFor = slots[AT.local];
      if (slots[AT.moved] === 1) this.#follow();
      if (number < 0) return this.#refuse(args, refusedFor);
    }
    places.test();
    this.inFlight++;
    const call = new (options.timeout ? TimedCall : Call)(this, number, now, context, args, key);
    if (number < 0) this.#enlist(call);
    const { abortController } = options;
    if (abortController && !this.compat && abortController.signal) {
      call.args = ownSignals(call, args, abortController.signal);
    }
    return call.promise(limit);
  }

  #refusesFor(now) {
    slots[AT.now] = now;
    return native.refusesFor(this.circuit);
  }

  // Calls under way that core has not been told of: as long as the circuit is closed it lets all of them through.
  #enlist(call) {
    call.before = this.#untold;
    if (this.#untold !== undefined) this.#untold.after = call;
    this.#untold = call;
  }

  delist(call) {
    if (call.after === undefined) this.#untold = call.before;
    else call.after.before = call.before;
    if (call.before !== undefined) call.before.after = call.after;
    call.before = call.after = undefined;
  }

  /** Before anything that may move the state: each call under way gets core's permit, of the generation it belongs to. */
  tellOfAll() {
    flush();
    while (this.#untold !== undefined) {
      const call = this.#untold;
      this.delist(call);
      slots[AT.now] = call.firedAt;
      slots[AT.inFlight] = this.inFlight;
      call.number = native.start(this.circuit, 1);
    }
  }

  #refuse(args, refusedFor) {
    const error = buildError('Breaker is open', 'EOPENBREAKER');
    error.retryAfter = refusedFor;
    this.#counts.increment('rejects');
    this.emit('reject', error);
    const answer = this.#answerFor(error, args) || Promise.reject(error);
    if (this.options.coalesce) refusals.add(answer);
    return answer;
  }

  #noRoom(args, key) {
    const answer = new Promise((resolve, reject) => {
      const error = buildError('Semaphore locked', 'ESEMLOCKED');
      native.count(this.circuit, 'capacity');
      this.#counts.increment('semaphoreRejections');
      this.emit('semaphoreLocked', error, 0);
      if (this.compat) {
        if (this.options.errorFilter(error, ...args)) {
          this.#succeed(error, 0, false, clock.now());
          reject(error);
        } else {
          this.#fail(error, 0, args, false);
          this.#settle(error, args, resolve, reject);
        }
      } else {
        this.#settle(error, args, resolve, reject);
      }
      this.options.coalesceCache?.delete(key);
    });
    if (!this.compat) refusals.add(answer);
    return answer;
  }

  #succeed(value, latency, moved, now, rescued) {
    this.#counts.succeeded(now, latency);
    if (moved) this.#follow();
    if (this.compat && this.#state === HALF_OPEN) this.close();
    if (rescued === undefined) this.emit('success', value, latency);
    else this.emit('success', value, latency, rescued);
  }

  #fail(error, latency, args, moved) {
    this.#counts.increment('failures', latency);
    this.emit('failure', error, latency, args);
    if (moved) this.#follow();
    if (this.compat) this.#judgeAsOpossum();
  }

  // opossum's rule, to the letter: also what was refused for want of room is in the rate.
  #judgeAsOpossum() {
    if (this.#warmUp) return;
    const fires = this.#status.total('fires');
    if (fires < this.#volumeThreshold && this.#state !== HALF_OPEN) return;
    const rate = this.#status.total('failures') / fires * 100;
    if (rate > this.options.errorThresholdPercentage || this.#state === HALF_OPEN) this.open();
  }

  // The fallback's answer, or nothing without one.
  #answerFor(error, args) {
    const fallback = this.#fallback;
    if (!fallback) return undefined;
    try {
      const result = fallback.apply(fallback, [...args, error]);
      this.#counts.increment('fallbacks');
      native.count(this.circuit, 'fallback');
      this.emit('fallback', result, error);
      return result instanceof Promise ? result : Promise.resolve(result);
    } catch (failure) {
      return Promise.reject(failure);
    }
  }

  #settle(error, args, resolve, reject) {
    const answer = this.#answerFor(error, args);
    if (answer) resolve(answer);
    else reject(error);
  }

  #resetCoalesce(key, event) {
    if (this.options.coalesceResetOn.includes(event)) this.options.coalesceCache?.delete(key);
  }

  // What follows is called by this breaker's calls (call.js).

  /** how: 0 in time; 1 rescued: a timer would have called it late; 2 inconclusive. */
  onSuccess(call, value, now, how, promise) {
    const { options } = this;
    const { cacheKey, resolve } = call;
    const latency = Math.round(now - call.firedAt);
    if (how === 0) this.#succeed(value, latency, call.moved, now);
    else this.#succeed(value, latency, call.moved, now, how === 1 ? { rescued: true } : { inconclusive: true });
    if (how === 1) this.emit('rescued', value, latency);
    if (how === 2) this.emit('inconclusive', value, latency);
    if (options.coalesce) this.#resetCoalesce(cacheKey, 'success');
    call.giveBack();
    call.end();
    resolve?.(value);
    if (options.cache) {
      options.cacheTransport.set(cacheKey, promise, options.cacheTTL > 0 ? Date.now() + options.cacheTTL : 0);
    }
  }

  onFiltered(call, error, latency) {
    call.giveBack();
    this.#endFiltered(call, error, latency, 'error');
  }

  #endFiltered(call, error, latency, event) {
    const { cacheKey, reject } = call;
    this.#succeed(error, latency, call.moved, clock.now());
    call.end();
    reject(error);
    if (this.options.coalesce) this.#resetCoalesce(cacheKey, event);
  }

  onFailure(call, error, latency, event) {
    call.giveBack();
    this.#endFailed(call, error, latency, event);
  }

  #endFailed(call, error, latency, event) {
    const { args, cacheKey, resolve, reject } = call;
    call.end();
    try {
      this.#fail(error, latency, args, call.moved);
      this.#settle(error, args, resolve, reject);
    } catch (listenersError) {
      reject(listenersError);
    }
    if (this.options.coalesce) this.#resetCoalesce(cacheKey, event);
  }

  onTimeout(call, error, latency) {
    const { args } = call;
    const { abortController } = this.options;
    call.giveBack();
    this.#counts.increment('timeouts', latency);
    this.emit('timeout', error, latency, args);
    if (this.options.errorFilter(error, ...args)) this.#endFiltered(call, error, latency, 'timeout');
    else this.#endFailed(call, error, latency, 'timeout');
    if (!abortController) return;
    if (this.compat) abortController.abort();
    else abortShared(abortController, this.inFlight);
  }

  onRetry(call, error) {
    if (call.moved) this.#follow();
    this.emit('retry', error, call.wait);
  }

  finished(call) {
    this.inFlight--;
    if (call.controller !== undefined) forget(call, this.options.abortController?.signal);
  }

  /** What a timed-out call was given, in milliseconds. */
  limitOf(call) {
    return this.options.timeout === 'adaptive' ? Math.round(call.timeout) : this.options.timeout;
  }

  /** Empties the cache and the calls kept for coalescing. */
  clearCache() {
    if (this.options.cache) this.options.cacheTransport.flush();
    this.options.coalesceCache?.flush();
  }

  /** Asks `func` each `interval` ms; a rejected promise opens the circuit. */
  healthCheck(func, interval) {
    interval = interval || 5000;
    if (typeof func !== 'function') throw new TypeError('Health check function must be a function');
    if (isNaN(interval)) throw new TypeError('Health check interval must be a number');
    const check = () => {
      func.apply(this).catch((error) => {
        this.emit('healthCheckFailed', error);
        this.open();
      });
    };
    const timer = setInterval(check, interval);
    timer.unref?.();
    this.#healthTimers.push(timer);
    check();
  }

  enable() {
    this.#enabled = true;
    this.#status.startListeneningForRotateEvent();
  }

  /** Calls go to the action as if there were no breaker. */
  disable() {
    this.#enabled = false;
    this.#status.removeRotateBucketControllerListener();
  }

  /** Inside an action the signal of that call; elsewhere that of options.abortController. */
  getSignal() {
    const call = scope.getStore();
    const shared = this.options.abortController?.signal;
    if (call?.breaker === this && !call.over && !this.compat && this.options.abortController) {
      return controllerOf(call, shared).signal;
    }
    return shared || undefined;
  }

  getAbortController() {
    return this.options.abortController;
  }

  /** Why the circuit is as it is: core's counts, percentiles, totals, and the last transitions with their evidence. */
  explain() {
    flush();
    slots[AT.now] = clock.now();
    return native.report(this.circuit);
  }

  /** A breaker for each host, with this one's action, fallback and options; see registry.js. */
  registry(options = {}) {
    const make = (key) => {
      const breaker = new this.constructor(this.action, { ...Registry.copied(this.options), name: `${this.name}:${key}`, group: this.group });
      if (this.#fallback) breaker.fallback(this.#fallback);
      return breaker;
    };
    return new Registry(make, options);
  }
}

module.exports = CircuitBreaker;
