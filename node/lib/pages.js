// The pages: /metrics, /health, /status and the live page, served by a native thread while this loop may stand still.
//
// The loop gives a sign of life each 20 ms; a missing one is how the thread knows, and says, since when it is blocked.
// Neither keeps the process alive.
'use strict';
const { native, portable } = require('./native');

const BEAT = 20;

let served;

/** Begins to serve. One server a thread: further calls give the same. `{ host: '127.0.0.1', port: 0 }`: any free port. */
function servePages({ host = '127.0.0.1', port = 0 } = {}) {
  if (portable) throw Object.assign(new Error('quoll: the pages need the native part'), { code: 'ERR_QUOLL_PORTABLE' });
  if (served) return served;
  const taken = native.servePages(host, port);
  const beat = () => native.beat(BEAT);
  beat();
  const timer = setInterval(beat, BEAT);
  timer.unref();
  served = {
    host,
    port: taken,
    url: `http://${host}:${taken}`,
    close() {
      if (served !== this) return;
      served = undefined;
      clearInterval(timer);
      native.stopPages();
    },
  };
  return served;
}

module.exports = { servePages };
