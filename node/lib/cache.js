// A bounded map whose entries expire: the store behind `cache` and `coalesce` when no other is given.
'use strict';

const MOST = 2 ** 24 - 1; // what a Map can hold

class MemoryCache {
  constructor(maxEntries) {
    this.cache = new Map();
    this.maxEntries = maxEntries ?? MOST;
  }

  /** The value, or undefined once it has expired. */
  get(key) {
    const entry = this.cache.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt === 0 || entry.expiresAt > Date.now()) return entry.value;
    this.cache.delete(key);
    return undefined;
  }

  /** Keeps a value until `expiresAt` (ms of Date.now(); 0 is for ever). A full cache loses what came first. */
  set(key, value, expiresAt) {
    if (this.cache.size >= this.maxEntries && this.get(key) === undefined) {
      this.cache.delete(this.cache.keys().next().value);
    }
    this.cache.set(key, { expiresAt, value });
  }

  delete(key) {
    this.cache.delete(key);
  }

  flush() {
    this.cache.clear();
  }
}

module.exports = MemoryCache;
