// Good calls of closed circuits, kept back and told to core many at a time.
//
// A crossing into the add-on costs more than what core does in it. While a circuit is closed every call is let through,
// and a good call changes nothing that anybody could see before the next bad one. So core is told of good calls before
// it is told of, or asked for, anything else; at the end of the loop's turn at the latest.
'use strict';
const { native, slots, BATCH } = require('./native');

let rows = 0;
let sweep;

/** Tells core what was kept back. */
function flush() {
  if (rows === 0) return;
  const count = rows;
  rows = 0;
  native.successes(count);
}

function swept() {
  sweep = undefined;
  flush();
}

function keepBack(circuit, ended, upstream, inFlight) {
  const at = BATCH.first + rows * BATCH.row;
  slots[at] = circuit;
  slots[at + 1] = ended;
  slots[at + 2] = upstream;
  slots[at + 3] = inFlight;
  rows++;
  if (rows === BATCH.most) flush();
  else sweep ??= setImmediate(swept);
}

module.exports = { keepBack, flush };
