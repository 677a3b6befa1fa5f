// The same program on opossum and on this package: what each says, in which order, is compared line by line.
//
// A scenario gets the class and a log; it uses nothing but opossum's documented interface. Each runs twice on this
// package: with compat, where all must be equal, and by default, but for those that show one of opossum's known mistakes.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const { inspect } = require('node:util');
const Quoll = require('..');

let Opossum;
try {
  Opossum = require('opossum');
} catch {
  // Left out below, visibly.
}

const EVENTS = ['halfOpen', 'close', 'open', 'shutdown', 'fire', 'cacheHit', 'cacheMiss', 'coalesceCacheHit',
  'coalesceCacheMiss', 'reject', 'timeout', 'success', 'semaphoreLocked', 'healthCheckFailed', 'fallback', 'failure'];
// Longer than any stall of the machine makes of a deadline.
const LONG = 600;
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const LATENCY = { success: [1], failure: [1], timeout: [1], semaphoreLocked: [1] };

function plain(value) {
  if (value instanceof Error) return `${value.code ?? value.name}: ${value.message}`;
  if (value instanceof Promise) return 'a promise';
  if (typeof value === 'function') return 'a function';
  return value;
}

function watched(breaker, log, events = EVENTS) {
  for (const event of events) {
    breaker.on(event, (...args) => {
      const shown = args.slice(0, 3).map((each, index) => (LATENCY[event]?.includes(index) ? typeof each : plain(each)));
      if (event === 'success') shown.length = Math.min(2, shown.length);
      log.push([event, ...shown]);
    });
  }
  return breaker;
}

async function fired(log, promise) {
  try {
    log.push(['resolved', plain(await promise)]);
  } catch (error) {
    log.push(['rejected', plain(error)]);
  }
}

const passFail = async (x) => {
  await sleep(5);
  if (x < 0) throw new Error(`${x} is below 0`);
  return x;
};
const failing = async () => {
  throw new Error('down');
};
const states = ({ closed, opened, halfOpen, pendingClose, isShutdown, enabled, warmUp }) => (
  { closed, opened, halfOpen, pendingClose, isShutdown, enabled, warmUp });
const counts = ({ stats }) => {
  const { latencyMean, latencyTimes, percentiles, ...rest } = stats;
  return { ...rest, latencies: latencyTimes.length, percentiles: Object.keys(percentiles).length, mean: typeof latencyMean };
};

const scenarios = {
  'what is there': async (Class, log) => {
    const breaker = new Class(passFail, { name: 'n', group: 'g' });
    log.push([breaker.name, breaker.group, breaker.volumeThreshold, states(breaker), counts(breaker)]);
    log.push([Object.keys(breaker.toJSON().state), Object.keys(breaker.toJSON().status).sort()]);
    log.push([breaker.getSignal(), breaker.getAbortController(), breaker.status.window.length, breaker.semaphore.count]);
    log.push([breaker.fallback(() => 1) === breaker, new Class(passFail).name, new Class(() => 1, { name: 'x' }).group]);
    log.push([typeof new Class(() => 1).name]);
  },
  'options are filled in': async (Class, log) => {
    const given = {};
    const breaker = new Class(passFail, given);
    const { compat, ...options } = breaker.options;
    log.push(Object.fromEntries(Object.entries(options).map(([key, value]) => [key, plain(value)])
      .filter(([, value]) => value !== undefined).sort()));
    log.push(breaker.options.cacheGetKey(1, 'a'));
    for (const name of ['timeout', 'resetTimeout', 'errorThresholdPercentage', 'rollingCountTimeout', 'rollingCountBuckets']) {
      log.push([name, new Class(passFail, { [name]: 0 }).options[name]]);
    }
  },
  'wrong arguments': async (Class, log) => {
    for (const make of [() => new Class(), () => new Class(passFail, { cache: true, cacheTransport: {} }),
      () => new Class(passFail, { abortController: {} }), () => new Class(passFail).healthCheck('x'),
      () => new Class(passFail).healthCheck(async () => 1, 'x')]) {
      try {
        make();
        log.push('fine');
      } catch (error) {
        log.push([error.constructor.name, error.message]);
      }
    }
  },
  'arguments that are null': async (Class, log) => {
    for (const make of [() => new Class(null), () => new Class(passFail, null), () => new Class(passFail, { state: null, status: null }),
      () => new Class(passFail, { cache: true, cacheTransport: null })]) {
      try {
        make();
        log.push('fine');
      } catch (error) {
        log.push(error.constructor.name);
      }
    }
  },
  'good and bad calls': async (Class, log) => {
    const breaker = watched(new Class(passFail), log);
    await fired(log, breaker.fire(1, 'two'));
    await fired(log, breaker.fire(2));
    await fired(log, breaker.fire(-1));
    log.push(states(breaker), counts(breaker));
  },
  'an action that throws, one that returns a value, one that is none': async (Class, log) => {
    await fired(log, watched(new Class(() => { throw new Error('at once'); }), log).fire());
    await fired(log, watched(new Class(() => 'value'), log).fire());
    await fired(log, watched(new Class('constant'), log).fire());
  },
  'a callback made a promise': async (Class, log) => {
    const { promisify } = require('node:util');
    const breaker = watched(new Class(promisify((x, done) => (x < 0 ? done(new Error('no')) : done(null, x)))), log);
    await fired(log, breaker.fire(1));
    await fired(log, breaker.fire(-1));
  },
  'this of call()': async (Class, log) => {
    const context = { name: 'context' };
    const breaker = watched(new Class(function named(x) { return Promise.resolve([this.name, x]); }), log);
    await fired(log, breaker.call(context, 7));
  },
  'it opens, refuses, tries and closes': async (Class, log) => {
    const breaker = watched(new Class(passFail, { resetTimeout: 40, errorThresholdPercentage: 1 }), log);
    await fired(log, breaker.fire(-1));
    log.push(states(breaker));
    await fired(log, breaker.fire(1));
    await sleep(70);
    log.push(states(breaker));
    await fired(log, breaker.fire(1));
    log.push(states(breaker), counts(breaker));
  },
  'a failed trial opens it again; one trial at a time': async (Class, log) => {
    const breaker = watched(new Class(passFail, { resetTimeout: 40, errorThresholdPercentage: 1 }), log);
    await fired(log, breaker.fire(-1));
    await sleep(70);
    const trial = fired(log, breaker.fire(-2));
    log.push(states(breaker));
    await fired(log, breaker.fire(3));
    await trial;
    log.push(states(breaker));
    await sleep(70);
    log.push(states(breaker));
  },
  'open and close by hand': async (Class, log) => {
    const breaker = watched(new Class(passFail, { resetTimeout: 40 }), log);
    breaker.open();
    breaker.open();
    log.push(states(breaker));
    await fired(log, breaker.fire(1));
    breaker.close();
    breaker.close();
    log.push(states(breaker), breaker.status.window[0].isCircuitBreakerOpen);
    await fired(log, breaker.fire(1));
    await sleep(70);
    log.push(states(breaker));
  },
  'the rate is taken over calls fired': async (Class, log) => {
    const breaker = watched(new Class(passFail, { errorThresholdPercentage: 50 }), log);
    const all = [1, 1, 1, -1, -1, -1, -1].map((x) => breaker.fire(x).catch(() => {}));
    await Promise.all(all);
    log.push(states(breaker));
  },
  'a threshold of 100 never opens': async (Class, log) => {
    const breaker = watched(new Class(failing, { errorThresholdPercentage: 100 }), log);
    for (let i = 0; i < 5; i++) await fired(log, breaker.fire(i));
    log.push(states(breaker));
  },
  timeout: async (Class, log) => {
    const breaker = watched(new Class(() => sleep(LONG), { timeout: 20 }), log);
    breaker.on('timeout', () => log.push(['places', breaker.semaphore.count === Number.MAX_SAFE_INTEGER]));
    await fired(log, breaker.fire('a'));
    await sleep(60);
    log.push(states(breaker), counts(breaker));
  },
  'a late failure of a timed-out call calls no fallback again': async (Class, log) => {
    const breaker = watched(new Class(async () => { await sleep(LONG); throw new Error('late'); }, { timeout: 15 }), log);
    breaker.fallback((x, error) => [x, plain(error)]);
    await fired(log, breaker.fire('a'));
    await sleep(LONG);
  },
  'no timeout': async (Class, log) => {
    for (const timeout of [false, 0]) await fired(log, new Class(passFail, { timeout }).fire(1));
  },
  fallbacks: async (Class, log) => {
    const options = { errorThresholdPercentage: 1 };
    const breaker = watched(new Class(failing, options), log).fallback((...args) => args.map(plain));
    await fired(log, breaker.fire('a', 'b'));
    await fired(log, breaker.fire('c'));
    log.push(counts(breaker));
    const rejecting = watched(new Class(failing, options), log).fallback(() => Promise.reject(new Error('none')));
    await fired(log, rejecting.fire());
    await fired(log, new Class(failing, options).fallback(() => { throw new Error('thrown'); }).fire());
    await fired(log, new Class(failing, options).fallback(new Class(async (x) => x)).fire('other'));
  },
  errorFilter: async (Class, log) => {
    const seen = [];
    const breaker = watched(new Class(failing, {
      errorThresholdPercentage: 1, errorFilter: (error, ...args) => { seen.push(args); return error.message === 'down'; },
    }), log).fallback(() => 'not for filtered ones');
    await fired(log, breaker.fire('a'));
    log.push(seen, states(breaker), counts(breaker));
  },
  'a filtered error closes a half-open circuit': async (Class, log) => {
    let filtered = false;
    const breaker = watched(new Class(failing, { errorThresholdPercentage: 1, resetTimeout: 30, errorFilter: () => filtered }), log);
    await fired(log, breaker.fire());
    await sleep(60);
    filtered = true;
    await fired(log, breaker.fire());
    log.push(states(breaker));
  },
  cache: async (Class, log) => {
    const breaker = watched(new Class(passFail, { cache: true, cacheTTL: 60 }), log);
    await fired(log, breaker.fire(1));
    await fired(log, breaker.fire(1));
    await sleep(80);
    await fired(log, breaker.fire(1));
    breaker.clearCache();
    await fired(log, breaker.fire(1));
    log.push(counts(breaker));
  },
  'cache with a key, a size and a transport': async (Class, log) => {
    const sized = new Class(passFail, { cache: true, cacheSize: 2 });
    await Promise.all([1, 2, 3].map((x) => sized.fire(x)));
    await sleep(5);
    log.push(sized.options.cacheTransport.cache.size);
    const store = new Map();
    const transport = { get: (key) => store.get(key), set: (key, value, ttl) => store.set(key, (log.push([key, ttl]), value)), flush: () => store.clear() };
    const breaker = watched(new Class(passFail, { cache: true, cacheTransport: transport, cacheGetKey: (x) => `key-${x}` }), log);
    await fired(log, breaker.fire(1));
    await sleep(5);
    await fired(log, breaker.fire(1));
    breaker.shutdown();
    log.push(store.size);
  },
  coalesce: async (Class, log) => {
    const breaker = watched(new Class(passFail, { coalesce: true, coalesceTTL: 60 }), log);
    await Promise.all([1, 1, 2].map((x) => fired(log, breaker.fire(x))));
    await sleep(80);
    await fired(log, breaker.fire(1));
    log.push(counts(breaker));
  },
  'coalesce with cache': async (Class, log) => {
    const breaker = watched(new Class(passFail, { coalesce: true, cache: true }), log);
    await Promise.all([1, 1].map((x) => fired(log, breaker.fire(x))));
    await sleep(2);
    await fired(log, breaker.fire(1));
    log.push(counts(breaker));
  },
  coalesceResetOn: async (Class, log) => {
    for (const on of [['error'], ['success'], ['timeout'], ['error', 'success', 'timeout', 'other']]) {
      const breaker = new Class((x) => (x === 'slow' ? sleep(LONG) : passFail(x)), {
        coalesce: true, coalesceTTL: 1000, coalesceResetOn: on, timeout: 20, errorThresholdPercentage: 100,
      });
      log.push(breaker.options.coalesceResetOn);
      for (const x of [1, 1, -1, -1, 'slow', 'slow']) await fired(log, breaker.fire(x));
      log.push(counts(breaker));
    }
  },
  capacity: async (Class, log) => {
    const breaker = watched(new Class(() => sleep(20), { capacity: 1, errorThresholdPercentage: 100 }), log,
      EVENTS.filter((each) => each !== 'failure'));
    const first = fired(log, breaker.fire('a'));
    log.push(breaker.semaphore.count);
    await fired(log, breaker.fire('b'));
    await first;
    log.push(breaker.semaphore.count);
    log.push(breaker.stats.semaphoreRejections);
  },
  'abortController: aborted by a timeout, not by a good call': async (Class, log) => {
    const abortController = new AbortController();
    const breaker = new Class((signal, x) => (x ? sleep(LONG) : 'quick'), { abortController, timeout: 20, errorThresholdPercentage: 100 });
    log.push(breaker.getSignal() === abortController.signal, breaker.getAbortController() === abortController);
    await fired(log, breaker.fire(abortController.signal, false));
    log.push(abortController.signal.aborted);
    await fired(log, breaker.fire(abortController.signal, true));
    log.push(abortController.signal.aborted);
  },
  autoRenewAbortController: async (Class, log) => {
    const breaker = new Class(() => sleep(LONG), { autoRenewAbortController: true, timeout: 15, resetTimeout: 30, errorThresholdPercentage: 1 });
    const first = breaker.getSignal();
    breaker.on('halfOpen', () => log.push(['halfOpen', breaker.getSignal() === first, breaker.getSignal().aborted]));
    await fired(log, breaker.fire());
    log.push(first.aborted, breaker.getSignal() === first);
    await sleep(60);
    log.push(breaker.getSignal() === first, breaker.getSignal().aborted);
  },
  'disable and enable': async (Class, log) => {
    const breaker = watched(new Class(failing, { errorThresholdPercentage: 1 }), log).fallback(() => 'fallback');
    breaker.disable();
    await fired(log, breaker.fire(1));
    log.push(states(breaker), counts(breaker));
    breaker.enable();
    await fired(log, breaker.fire(2));
    log.push(states(breaker));
    log.push(new Class(failing, { enabled: false }).enabled);
  },
  shutdown: async (Class, log) => {
    const breaker = watched(new Class(passFail), log);
    breaker.shutdown();
    log.push(states(breaker), breaker.listenerCount('failure') <= 1);
    await fired(log, breaker.fire(1));
    try {
      await breaker.fire(1);
    } catch (error) {
      log.push([error.code, Class.isOurError(error), Class.isOurError(new Error('x'))]);
    }
  },
  'a call from before the shutdown that fails after it': async (Class, log) => {
    const breaker = new Class(passFail, { errorThresholdPercentage: 1, volumeThreshold: 3 });
    for (let i = 0; i < 2; i++) await breaker.fire(-1).catch(() => {});
    const last = breaker.fire(-1).catch(() => {});
    breaker.shutdown();
    log.push(states(breaker));
    await last;
    log.push(breaker.opened, breaker.closed, counts(breaker).failures);
  },
  'state in and out': async (Class, log) => {
    const opened = new Class(passFail, { resetTimeout: 10_000 });
    opened.open();
    const { state, status } = opened.toJSON();
    const again = new Class(passFail, { state, status, resetTimeout: 10_000 });
    log.push(states(again), counts(again));
    for (const given of [{ closed: false }, { closed: false, halfOpen: true }, { closed: true, warmUp: true }, { enabled: false },
      { shutdown: true, closed: false }, { closed: false, lastTimerAt: Date.now() - 20_000 }, { closed: false, lastTimerAt: Date.now() }]) {
      const breaker = new Class(passFail, { state: given, resetTimeout: 10_000 });
      log.push([Object.keys(given), states(breaker)]);
      await fired(log, breaker.fire(1));
      log.push(states(breaker));
    }
  },
  'stats in': async (Class, log) => {
    const stats = { failures: 1, fires: 3, successes: 1, timeouts: 1, rejects: 2 };
    const status = Class.newStatus({ stats });
    log.push(status.stats.failures, status.stats.cacheHits);
    const breaker = new Class(passFail, { status, errorThresholdPercentage: 60 });
    log.push(breaker.status === status, counts(breaker));
    await fired(log, breaker.fire(-1));
    log.push(states(breaker));
    await fired(log, breaker.fire(-1));
    log.push(states(breaker), counts(breaker));
    log.push(counts(new Class(passFail, { status: stats })));
  },
  'a status that outlives its breaker': async (Class, log) => {
    const first = new Class(passFail);
    const { status } = first;
    await first.fire(1);
    const late = first.fire(2);
    first.shutdown();
    const second = new Class(passFail, { status, errorThresholdPercentage: 60 });
    await fired(log, second.fire(-1));
    await late;
    log.push(counts(second), states(second), counts(first));
  },
  'warm-up': async (Class, log) => {
    const breaker = watched(new Class(failing, { allowWarmUp: true, rollingCountTimeout: 60, errorThresholdPercentage: 1 }), log);
    await fired(log, breaker.fire(1));
    log.push(states(breaker));
    await sleep(90);
    log.push(breaker.warmUp);
    await fired(log, breaker.fire(2));
    log.push(states(breaker));
  },
  'warm-up with a threshold of 0': async (Class, log) => {
    const breaker = watched(new Class(failing, { allowWarmUp: true, errorThresholdPercentage: 0 }), log);
    for (let i = 0; i < 20; i++) await fired(log, breaker.fire(i));
    log.push(states(breaker));
  },
  volumeThreshold: async (Class, log) => {
    const breaker = watched(new Class(failing, { volumeThreshold: 3, errorThresholdPercentage: 1, resetTimeout: 30 }), log);
    for (let i = 0; i < 3; i++) {
      await fired(log, breaker.fire(i));
      log.push(states(breaker));
    }
    await sleep(60);
    await fired(log, breaker.fire('trial')); // the threshold is none for a trial
    log.push(states(breaker), breaker.volumeThreshold);
  },
  healthCheck: async (Class, log) => {
    const breaker = watched(new Class(passFail), log);
    let asked = 0;
    breaker.healthCheck(function check() {
      log.push(['this is the breaker', this === breaker]);
      return ++asked > 1 ? Promise.reject(new Error('ill')) : Promise.resolve();
    }, 25);
    await sleep(60);
    log.push(states(breaker));
    breaker.shutdown();
  },
  'the window rolls': async (Class, log) => {
    const breaker = new Class(passFail, { rollingCountTimeout: 60, rollingCountBuckets: 3 });
    await breaker.fire(1);
    log.push(breaker.status.window.length, breaker.stats.successes);
    await sleep(120);
    log.push(breaker.stats.successes, breaker.status.window.length);
    breaker.shutdown();
  },
  'the window rolls when told': async (Class, log) => {
    const controller = new EventEmitter();
    const breaker = new Class(passFail, { rotateBucketController: controller, rollingCountTimeout: 30, rollingCountBuckets: 2 });
    const other = new Class(passFail, { rotateBucketController: controller });
    log.push(controller.listenerCount('rotate'));
    await breaker.fire(1);
    await sleep(60);
    log.push(breaker.stats.successes);
    controller.emit('rotate');
    controller.emit('rotate');
    log.push(breaker.stats.successes);
    breaker.disable();
    log.push(controller.listenerCount('rotate'));
    breaker.enable();
    breaker.enable();
    log.push(controller.listenerCount('rotate'));
    breaker.shutdown();
    other.shutdown();
    log.push(controller.listenerCount('rotate'));
  },
  snapshots: async (Class, log) => {
    const breaker = new Class(passFail, { rollingCountTimeout: 60, rollingCountBuckets: 3 });
    const [snapshot] = await Promise.all([new Promise((resolve) => { breaker.status.once('snapshot', resolve); }), sleep(60)]);
    log.push(Object.keys(snapshot).sort());
    log.push(breaker.status.enableSnapshots, new Class(passFail, { enableSnapshots: false }).status.enableSnapshots);
    breaker.shutdown();
  },
  'no percentiles': async (Class, log) => {
    const breaker = new Class(passFail, { rollingPercentilesEnabled: false });
    await breaker.fire(1);
    const { latencyMean, percentiles } = breaker.stats;
    log.push(latencyMean, percentiles, breaker.status.rollingPercentilesEnabled);
  },
  'maxFailures is deprecated': async (Class, log) => {
    const { error } = console;
    console.error = (...args) => log.push(args);
    try {
      new Class(passFail, { maxFailures: 1 });
    } finally {
      console.error = error;
    }
  },
  'a listener that throws': async (Class, log) => {
    const breaker = new Class(passFail);
    breaker.on('success', () => { throw new Error('of a listener'); });
    await fired(log, breaker.fire(1));
  },
};

// Each shows one of the known mistakes, and nothing else.
const mistakes = {
  'refusals for want of room are failures': async (Class, log) => {
    const breaker = watched(new Class(() => sleep(20), { capacity: 1, errorThresholdPercentage: 50 }), log);
    const first = breaker.fire('a');
    await Promise.all(['b', 'c', 'd'].map((x) => breaker.fire(x).catch(() => {})));
    log.push(states(breaker), counts(breaker));
    await first;
  },
  'a success from before the trip closes a half-open circuit': async (Class, log) => {
    const breaker = watched(new Class((x) => (x === 'slow' ? sleep(90) : passFail(x)), { resetTimeout: 30, errorThresholdPercentage: 1 }), log);
    const slow = breaker.fire('slow');
    await fired(log, breaker.fire(-1));
    await sleep(50);
    log.push(states(breaker));
    await slow;
    log.push(states(breaker));
  },
  'one timeout aborts all': async (Class, log) => {
    const abortController = new AbortController();
    const breaker = new Class((signal, wait) => new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, wait, 'in time');
      signal.addEventListener('abort', () => { clearTimeout(timer); reject(new Error('aborted')); });
    }), { abortController, timeout: 200, errorThresholdPercentage: 100 });
    const late = fired([], breaker.fire(abortController.signal, 900));
    await sleep(100);
    await fired(log, breaker.fire(abortController.signal, 150));
    await late;
  },
  'a window of timers stretches while the loop stands still': async (Class, log) => {
    const breaker = new Class(passFail, { rollingCountTimeout: 100, rollingCountBuckets: 10 });
    await breaker.fire(1);
    const until = Date.now() + 250;
    while (Date.now() < until);
    log.push(breaker.stats.successes);
    breaker.shutdown();
  },
  'lastTimerAt is when it was made': async (Class, log) => {
    const made = Date.now();
    const breaker = new Class(passFail);
    await sleep(50);
    breaker.open();
    log.push(breaker.toJSON().state.lastTimerAt - made < 40);
  },
};

const byDefault = {
  'refusals for want of room are failures': (log) => {
    assert.ok(log.find((each) => 'closed' in each).closed);
    const { failures, semaphoreRejections } = log.find((each) => 'failures' in each);
    assert.deepStrictEqual([failures, semaphoreRejections], [0, 3]);
  },
  'a success from before the trip closes a half-open circuit': (log) => assert.ok(log.at(-1).halfOpen),
  'one timeout aborts all': (log) => assert.deepStrictEqual(log, [['resolved', 'in time']]),
  'a window of timers stretches while the loop stands still': (log) => assert.deepStrictEqual(log, [0]),
  'lastTimerAt is when it was made': (log) => assert.deepStrictEqual(log, [false]),
};

class Compat extends Quoll {
  constructor(action, options = {}) {
    super(action, Object.assign(options, { compat: 'opossum' }));
  }
}

const skip = Opossum === undefined && 'opossum is not installed';

async function logOf(scenario, Class) {
  const log = [];
  await scenario(Class, log);
  return log.slice(); // its timers may say more, after its end
}

// As text: a difference is then shown by its lines.
function same(actual, expected) {
  const lines = (log) => log.map((each) => inspect(each, { breakLength: Infinity, depth: 2, sorted: true })).join('\n');
  assert.strictEqual(lines(actual), lines(expected));
}

for (const [name, scenario] of Object.entries(scenarios)) {
  test(`as opossum: ${name}`, { skip }, async () => {
    const expected = await logOf(scenario, Opossum);
    assert.ok(expected.length > 0);
    same(await logOf(scenario, Compat), expected);
    same(await logOf(scenario, Quoll), expected);
  });
}

for (const [name, scenario] of Object.entries(mistakes)) {
  test(`a known mistake, given back by compat: ${name}`, { skip }, async () => {
    same(await logOf(scenario, Compat), await logOf(scenario, Opossum));
  });
  test(`a known mistake, not repeated: ${name}`, async () => byDefault[name](await logOf(scenario, Quoll)));
}

test('every member of opossum is here', { skip }, () => {
  const members = (object) => Object.getOwnPropertyNames(object).filter((each) => !each.startsWith('_'));
  for (const each of members(Opossum.prototype)) assert.ok(each in Quoll.prototype, each);
  for (const each of members(Opossum)) assert.ok(each in Quoll, each);
  const status = new Opossum(passFail).status;
  for (const each of members(Object.getPrototypeOf(status))) assert.ok(each in new Quoll(passFail).status, each);
});
