// Options: opossum's defaults, and what of them core is told.
'use strict';
const MemoryCache = require('./cache');

const RESETS = ['error', 'success', 'timeout'];

const numberOr = (value, fallback) => (typeof value === 'number' && Number.isFinite(value) ? value : fallback);

function checkNumber(options, name, more = () => false) {
  const value = options[name];
  if (value === undefined || value === null || Number.isFinite(value) || more(value)) return;
  throw new TypeError(`quoll: options.${name} must be a finite number, not ${typeof value === 'number' ? value : typeof value}`);
}

/** A TypeError for the first option of a wrong type, by its name. */
function check(options) {
  if (options === null || typeof options !== 'object') throw new TypeError('quoll: options must be an object');
  for (const name of ['resetTimeout', 'rollingCountTimeout', 'rollingCountBuckets', 'capacity', 'volumeThreshold',
    'errorThresholdPercentage', 'cacheTTL', 'cacheSize', 'coalesceTTL', 'coalesceSize']) {
    checkNumber(options, name, (value) => value === false);
  }
  checkNumber(options, 'timeout', (value) => typeof value === 'boolean' || value === 'adaptive');
  for (const name of ['errorFilter', 'cacheGetKey']) {
    if (options[name] && typeof options[name] !== 'function') {
      throw new TypeError(`quoll: options.${name} must be a function`);
    }
  }
  if (options.coalesceResetOn !== undefined && options.coalesceResetOn !== null && !Array.isArray(options.coalesceResetOn)) {
    throw new TypeError('quoll: options.coalesceResetOn must be an array');
  }
}

/** Fills in what is missing, in the caller's own object, as opossum does: `breaker.options` shows all of it. */
function fill(options) {
  check(options);
  options.timeout ??= 10000;
  options.resetTimeout ??= 30000;
  options.errorThresholdPercentage ??= 50;
  options.rollingCountTimeout ??= 10000;
  options.rollingCountBuckets ??= 10;
  options.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
  options.capacity = Number.isInteger(options.capacity) ? options.capacity : Number.MAX_SAFE_INTEGER;
  options.errorFilter ||= () => false;
  options.cacheTTL ??= 0;
  options.cacheGetKey ??= (...args) => JSON.stringify(args);
  options.enableSnapshots = options.enableSnapshots !== false;
  options.coalesce = !!options.coalesce;
  options.coalesceTTL ??= options.timeout;
  options.coalesceResetOn = options.coalesceResetOn?.filter((each) => RESETS.includes(each)) || [];
  if (options.cache) {
    if (options.cacheTransport === undefined) options.cacheTransport = new MemoryCache(options.cacheSize);
    const { get, set, flush } = Object(options.cacheTransport);
    if (typeof options.cacheTransport !== 'object' || !get || !set || !flush) {
      throw new TypeError('options.cacheTransport should be an object with `get`, `set` and `flush` methods');
    }
  }
  if (options.coalesce) options.coalesceCache = new MemoryCache(options.coalesceSize);
  if (options.autoRenewAbortController && !options.abortController) options.abortController = new AbortController();
  if (options.abortController && typeof options.abortController.abort !== 'function') {
    throw new TypeError('AbortController does not contain `abort()` method');
  }
  return options;
}

const within = (value, low, high) => Math.min(high, Math.max(low, value));

// These have core's names, in core's units but for times, which are in milliseconds.
const PASSED_ON = ['slowCallThreshold', 'slowCallRateThreshold', 'consecutiveFailures', 'resetTimeoutMax',
  'resetMultiplier', 'resetJitter', 'halfOpenPermits', 'halfOpenSuccesses', 'halfOpenMax', 'ramp', 'rampStart'];

function addRetry(retry, out) {
  const wanted = typeof retry === 'number' ? { attempts: retry } : retry === true ? {} : retry;
  if (typeof wanted !== 'object') throw new TypeError('quoll: options.retry must be a number, true or an object');
  const budget = wanted.budget ?? {};
  Object.assign(out, {
    retry: 1, retryAttempts: wanted.attempts, retryBase: wanted.base, retryCap: wanted.cap, retryBudgetRatio: budget.ratio,
    retryBudgetMinimum: budget.minimumPerSecond, retryBudgetCapacity: budget.capacity,
  });
}

/** What core's breaker is made of. opossum's ranges are wider than core's; a value beyond is taken as the nearest. */
function forCore(options, name) {
  const percentage = numberOr(options.errorThresholdPercentage, 50);
  const window = within(numberOr(options.rollingCountTimeout, 10000), 10, 3600000);
  const out = {
    name: String(name),
    seed: numberOr(options.seed, Math.floor(Math.random() * 2 ** 48)),
    window,
    buckets: within(Math.floor(numberOr(options.rollingCountBuckets, 10)), 1, Math.min(60, Math.floor(window))),
    minimumVolume: within(Number.isInteger(options.volumeThreshold) ? options.volumeThreshold : 0, 1, 1000000),
    // opossum opens above the percentage, core at it.
    failureRateThreshold: within(percentage / 100 + 1e-9, 1e-9, 1),
    rateOff: percentage >= 100 ? 1 : 0,
    resetTimeout: within(numberOr(options.resetTimeout, 30000), 1, 86400000),
    halfOpenMax: 0,
  };
  for (const each of PASSED_ON) if (options[each] !== undefined) out[each] = options[each];
  if (options.timeout === 'adaptive') {
    const { quantile, factor, margin, floor, ceiling, initial } = options.adaptive ?? {};
    Object.assign(out, {
      adaptive: 1, timeoutQuantile: quantile, timeoutFactor: factor, timeoutMargin: margin, timeoutFloor: floor,
      timeoutCeiling: ceiling, timeoutInitial: initial,
    });
  }
  if (options.retry) addRetry(options.retry, out);
  return out;
}

module.exports = { fill, forCore };
