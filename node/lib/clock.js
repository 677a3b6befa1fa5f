// The time in milliseconds, as performance.now() has it.
//
// The function is held fast, since the global is looked up anew each time and that costs half a clock read. Tests that
// fake the timers get the time that they have put there: that of their performance, else of their Date.
'use strict';

const real = setTimeout;
const clock = performance;
const read = clock.now;
const dateNow = Date.now;

let fakeNow; // the Date.now that `skew` belongs to
let skew = 0;

function fakeTime() {
  if (performance.now !== read) return performance.now();
  if (Date.now === dateNow) return clock.now();
  if (fakeNow !== Date.now) {
    fakeNow = Date.now;
    skew = clock.now() - Date.now();
  }
  return skew + Date.now();
}

function now() {
  return setTimeout === real && clock.now === read ? clock.now() : fakeTime();
}

/** Somebody else's timers are in place of Node's: what they say has happened has happened. */
const faked = () => setTimeout !== real;

module.exports = { now, faked };
