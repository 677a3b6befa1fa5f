// How long this process's loop has stood still, in all, while calls were under way.
//
// A tick each 20 ms; one that is late says for how long the loop did not turn. It runs only while there is a call with a
// deadline, and keeps no process alive. A stall that is still going on is seen too: the last tick is then long ago.
'use strict';
const clock = require('./clock');

const TICK = 20;
const WORTH = 8; // ms; less is a loop at work

let total = 0;
let last = 0;
let timer;
let calls = 0;

const lateness = (now) => {
  const late = now - last - TICK;
  return late > WORTH ? late : 0;
};

function tick() {
  const now = clock.now();
  total += Math.round(lateness(now)); // a whole number: each call keeps one, and a fraction would be an object
  last = now;
  if (calls > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** A call with a deadline begins; its `stalledBefore` is what stalledSince() wants. */
function enter(now) {
  calls++;
  if (timer === undefined) {
    last = now;
    timer = setInterval(tick, TICK);
    timer.unref?.();
  }
  return total;
}

function leave() {
  calls--;
}

/** Milliseconds of stall since enter() returned `before`; an upper bound at a call's very beginning. */
function stalledSince(before, now) {
  return timer === undefined ? total - before : total - before + lateness(now);
}

module.exports = { enter, leave, stalledSince, WORTH };
