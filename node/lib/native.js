// The add-on, or the portable stand-in where there is none; and the array through which numbers cross to it.
'use strict';
const path = require('node:path');

/** Places in `slots`; the same names as in src/env_state.h. */
const AT = Object.freeze({
  now: 0, upstream: 1, local: 2, moved: 3, trial: 4, bytes: 5, newest: 6, oldest: 7, quiet: 8, connected: 9, shut: 10,
  sent: 11, deadline: 12, arrived: 13, stall: 14, rescued: 15, inFlight: 16, segments: 17, sentAgo: 18, count: 19,
});

function load() {
  // QUOLL_PORTABLE=1 chooses the stand-in in silence, any other value as if there were no native part.
  if (process.env.QUOLL_PORTABLE !== '1') {
    try {
      if (process.env.QUOLL_PORTABLE) throw new Error('QUOLL_PORTABLE is set');
      return { native: require('node-gyp-build')(path.join(__dirname, '..')), portable: false };
    } catch (error) {
      process.emitWarning(
        `quoll: no native part for ${process.platform}-${process.arch} (${error.message.split('\n')[0]}). ` +
        'Timeouts wait for one turn of the loop instead of asking the kernel; the pages and the middleware are off.',
        { code: 'QUOLL_PORTABLE' });
    }
  }
  return { native: require('./portable'), portable: true };
}

const { native, portable } = load();
const BATCH = { first: AT.count, row: 4, most: 64 };
const slots = new Float64Array(BATCH.first + BATCH.row * BATCH.most);
native.bind(slots, performance.now());

module.exports = { native, slots, AT, BATCH, portable };
