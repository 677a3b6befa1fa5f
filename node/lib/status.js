// Status: what a breaker shows of its last seconds, in buckets. The decisions are core's; this is for people.
'use strict';
const clock = require('./clock');
const { EventEmitter } = require('node:events');

const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1];
const COUNTERS = ['failures', 'fallbacks', 'successes', 'rejects', 'fires', 'timeouts', 'cacheHits', 'cacheMisses',
  'coalesceCacheHits', 'coalesceCacheMisses', 'semaphoreRejections'];
// Latencies kept of one bucket. Beyond it each further one takes the place of another at random.
const MOST_LATENCIES = 1024;

const newBucket = () => ({
  failures: 0, fallbacks: 0, successes: 0, rejects: 0, fires: 0, timeouts: 0, cacheHits: 0, cacheMisses: 0,
  coalesceCacheHits: 0, coalesceCacheMisses: 0, semaphoreRejections: 0, percentiles: {}, latencyTimes: [],
});

const timed = (property) => property === 'successes' || property === 'failures' || property === 'timeouts';

function percentile(fraction, sorted) {
  if (fraction === 0) return sorted[0] || 0;
  return sorted[Math.ceil(fraction * sorted.length) - 1] || 0;
}

class Status extends EventEmitter {
  #buckets;
  #width;
  #rolledAt = clock.now();
  #latencies = 0; // of the current bucket, those not kept included
  #timers = [];
  #byTimer;

  /**
   * options: rollingCountBuckets, rollingCountTimeout, rollingPercentilesEnabled, enableSnapshots,
   * rotateBucketController, stats (counts from before), compat.
   */
  constructor(options) {
    super();
    const count = options.rollingCountBuckets || 10;
    this.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
    this.enableSnapshots = options.enableSnapshots !== false;
    this.rotateBucketController = options.rotateBucketController;
    this.rotateBucket = () => this.#rotate();
    this.#width = Math.floor((options.rollingCountTimeout || 10000) / count);
    this.#byTimer = options.compat === 'opossum';
    this.#buckets = Array.from({ length: count }, newBucket);
    if (this.rotateBucketController) this.startListeneningForRotateEvent();
    else if (this.#byTimer) this.#every(this.rotateBucket);
    if (this.enableSnapshots) this.#every(() => this.emit('snapshot', this.stats));
    if (options.stats) Object.assign(this.#buckets[0], options.stats, { latencyTimes: [...options.stats.latencyTimes ?? []] });
  }

  #every(tick) {
    const timer = setInterval(tick, this.#width);
    timer.unref?.();
    this.#timers.push(timer);
  }

  #rotate() {
    this.#buckets.pop();
    this.#buckets.unshift(newBucket());
    this.#latencies = 0;
  }

  // By the clock, so that a blocked loop does not stretch the window.
  #roll(now = clock.now()) {
    if (now - this.#rolledAt < this.#width || this.rotateBucketController || this.#byTimer) return;
    let passed = Math.floor((now - this.#rolledAt) / this.#width);
    if (!(passed > 0)) return;
    this.#rolledAt += passed * this.#width;
    for (passed = Math.min(passed, this.#buckets.length); passed > 0; passed--) this.#rotate();
  }

  /** The sums over the window, with latency percentiles. */
  get stats() {
    this.#roll();
    const totals = newBucket();
    for (const bucket of this.#buckets) {
      for (const name of COUNTERS) totals[name] += bucket[name] || 0;
      if (!this.rollingPercentilesEnabled) continue;
      for (const each of bucket.latencyTimes ?? []) totals.latencyTimes.push(each);
    }
    const sorted = totals.latencyTimes.sort((a, b) => a - b);
    const on = this.rollingPercentilesEnabled;
    totals.latencyMean = !on ? -1 : sorted.length === 0 ? 0 : sorted.reduce((a, b) => a + b, 0) / sorted.length;
    for (const each of PERCENTILES) totals.percentiles[each] = on ? percentile(each, sorted) : -1;
    return totals;
  }

  /** The buckets, newest first. */
  get window() {
    this.#roll();
    return this.#buckets.slice();
  }

  /** The sum of one counter over the window. */
  total(name) {
    this.#roll();
    return this.#buckets.reduce((sum, bucket) => sum + (bucket[name] || 0), 0);
  }

  increment(property, latency) {
    this.#roll();
    this.#buckets[0][property]++;
    if (timed(property)) this.#keep(latency || 0);
  }

  /** increment('fires') at a time that the caller has read already. */
  fired(now) {
    this.#roll(now);
    this.#buckets[0].fires++;
  }

  /** increment('successes', latency), likewise. */
  succeeded(now, latency) {
    this.#roll(now);
    this.#buckets[0].successes++;
    this.#keep(latency);
  }

  #keep(latency) {
    const kept = this.#buckets[0].latencyTimes;
    this.#latencies++;
    if (kept.length < MOST_LATENCIES || this.#byTimer) {
      kept.push(latency);
      return;
    }
    const place = Math.floor(Math.random() * this.#latencies);
    if (place < MOST_LATENCIES) kept[place] = latency;
  }

  open() {
    this.#roll();
    this.#buckets[0].isCircuitBreakerOpen = true;
  }

  close() {
    this.#roll();
    this.#buckets[0].isCircuitBreakerOpen = false;
  }

  /** Ends its timers and its listeners. It can still count: it may be another breaker's too. */
  shutdown() {
    this.removeAllListeners();
    this.#timers.forEach(clearInterval);
    this.#timers = [];
    this.removeRotateBucketControllerListener();
  }

  removeRotateBucketControllerListener() {
    this.rotateBucketController?.removeListener('rotate', this.rotateBucket);
  }

  // The name is opossum's.
  startListeneningForRotateEvent() {
    const controller = this.rotateBucketController;
    if (controller && !controller.listeners('rotate').includes(this.rotateBucket)) {
      controller.on('rotate', this.rotateBucket);
    }
  }
}

module.exports = Status;
