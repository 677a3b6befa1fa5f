// A counting semaphore: how many calls may be under way at a time (the option `capacity`).
'use strict';

class Semaphore {
  #most;
  #taken = 0; // a small number, unlike what is free of no limit at all
  #waiting = [];

  constructor(count) {
    this.#most = count;
    // Handed out as they are, and so bound.
    this.release = () => this.give();
  }

  /** Free places. Only take(), test() and release() change it. */
  get count() {
    return this.#most - this.#taken;
  }

  /** No place is free. */
  get full() {
    return this.#most - this.#taken < 1;
  }

  give() {
    this.#taken--;
    if (this.#waiting.length > 0) this.#waiting.shift().grant();
  }

  /** A promise of a place; it resolves with release(), or rejects after `timeout` ms. */
  take(timeout) {
    if (this.test()) return Promise.resolve(this.release);
    return new Promise((resolve, reject) => {
      const turn = { timer: undefined, grant: undefined };
      turn.grant = () => {
        clearTimeout(turn.timer);
        this.#taken++;
        resolve(this.release);
      };
      this.#waiting.push(turn);
      if (!timeout) return;
      turn.timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(Object.assign(new Error(`Timed out after ${timeout}ms`), { code: 'ETIMEDOUT' }));
      }, timeout);
    });
  }

  /** Takes a place if one is free, at once. */
  test() {
    if (this.full) return false;
    this.#taken++;
    return true;
  }
}

module.exports = (count) => new Semaphore(count);
