// Registry: a breaker for each host (or shard, or tenant), with a bound on how many are kept.
//
// One breaker for all hosts lets the one that is down close the door to the others; a breaker for each name that ever
// was leaks. So the one least recently used makes room: an idle closed one first, an idle one next, any in the end.
// An evicted breaker is forgotten, not shut down: a call under way on it ends as it would have.
'use strict';
const { EventEmitter } = require('node:events');

const MOST = 1024;
// What belongs to one breaker and not to its copies.
const OWN = ['name', 'status', 'state', 'coalesceCache', 'cacheTransport', 'abortController', 'rotateBucketController'];

function hostOf(target) {
  try {
    return new URL(typeof target === 'string' ? target : target?.url ?? target).host;
  } catch {
    throw new TypeError('quoll: the first argument is no URL; give registry() a `key` that tells the host');
  }
}

class Registry extends EventEmitter {
  #breakers = new Map(); // key -> breaker, least recently used first
  #make;
  #key;
  #most;
  #evicted = 0;

  /** `make(key)` gives a new breaker. options: most (1 to 1000000, default 1024), key (args -> string). */
  constructor(make, { most = MOST, key = hostOf } = {}) {
    super();
    if (!Number.isInteger(most) || most < 1 || most > 1_000_000) {
      throw new RangeError('quoll: options.most must be an integer from 1 to 1000000');
    }
    if (typeof key !== 'function') throw new TypeError('quoll: options.key must be a function');
    this.#make = make;
    this.#key = key;
    this.#most = most;
  }

  /** The options of a breaker's copy: all but what is its own. */
  static copied(options) {
    const copy = { ...options, enableSnapshots: false };
    for (const each of OWN) delete copy[each];
    if (options.cacheTransport && !options.cacheTransport.cache) copy.cacheTransport = options.cacheTransport;
    return copy;
  }

  /** The breaker of this key; made when it is first asked for. */
  of(key) {
    const name = String(key);
    let breaker = this.#breakers.get(name);
    if (breaker !== undefined) {
      this.#breakers.delete(name);
    } else {
      if (this.#breakers.size >= this.#most) this.#evict();
      breaker = this.#make(name);
      breaker.on('transition', (transition) => this.emit('transition', transition, name, breaker));
    }
    this.#breakers.set(name, breaker);
    return breaker;
  }

  /** Fires the breaker of the host that the arguments name. */
  fire(...args) {
    return this.of(this.#key(...args)).fire(...args);
  }

  /** How many breakers there are. */
  get size() {
    return this.#breakers.size;
  }

  /** How many have made room for others. */
  get evicted() {
    return this.#evicted;
  }

  has(key) {
    return this.#breakers.has(String(key));
  }

  /** [key, breaker], least recently used first. */
  [Symbol.iterator]() {
    return this.#breakers.entries();
  }

  /** Shuts all of them down and forgets them. */
  shutdown() {
    for (const breaker of this.#breakers.values()) breaker.shutdown();
    this.#breakers.clear();
    this.removeAllListeners();
  }

  #evict() {
    let victim;
    for (const [key, breaker] of this.#breakers) {
      if (breaker.inFlight > 0) continue;
      victim ??= key;
      if (breaker.closed) {
        victim = key;
        break;
      }
    }
    victim ??= this.#breakers.keys().next().value;
    const breaker = this.#breakers.get(victim);
    this.#breakers.delete(victim);
    this.#evicted++;
    this.emit('evict', victim, breaker);
  }
}

module.exports = Registry;
