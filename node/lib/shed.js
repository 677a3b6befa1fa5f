// shed(): a middleware that refuses what comes beyond what can be served, by how long each request really waited.
//
// The wait is from the kernel's receipt of the request's last bytes until now: a blocked loop and a full accept queue are
// in it. Which to refuse, and how many, is core's admission control. The kernel counts in ticks of 1 to 4 ms.
'use strict';
const { native, slots, AT, portable } = require('./native');
const clock = require('./clock');

// FNV-1a, never 0: that is nobody.
function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0) || 1;
}

const REASONS = ['admitted', 'overload', 'too_old'];
const addressOf = (request) => request.socket?.remoteAddress;

/**
 * options: target, interval, maxDelay (ms, core's defaults 5, 100, 1000), priorities (4), priority(request) -> 0 the most
 * important, client(request) -> string, or null for no fairness, retryAfter (seconds, 1), skip(request) -> true lets it pass.
 */
function shed(options = {}) {
  const { priority = () => 1, client = addressOf, retryAfter = 1, skip, ...policy } = options;
  for (const [name, value] of Object.entries({ priority, skip })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`quoll: options.${name} must be a function`);
  }
  if (client !== null && typeof client !== 'function') throw new TypeError('quoll: options.client must be a function or null');
  if (!(retryAfter >= 0)) throw new TypeError('quoll: options.retryAfter must be a number, not negative');
  const wait = String(Math.ceil(retryAfter));
  const { target, interval, maxDelay, priorities = 4 } = policy;
  const admission = portable ? -1
    : native.createAdmission({ target, interval, maxDelay, priorities, fair: client === null ? 0 : 1 });
  const counts = { admitted: 0, overload: 0, too_old: 0 };

  function reasonFor(request) {
    if (portable || skip?.(request)) return 0;
    const age = native.ageOf(request.socket?._handle?.fd ?? -1);
    if (age < 0) return 0; // a UNIX socket, or one that is gone
    const rank = Number(priority(request));
    const name = client === null ? undefined : client(request);
    slots[AT.now] = clock.now();
    return native.decide(admission, age, rank >= 0 && rank <= 255 ? Math.floor(rank) : 255,
      name === undefined || name === null ? 0 : hash(String(name)));
  }

  function refuse(response, reason) {
    response.statusCode = 503;
    response.setHeader('Retry-After', wait);
    response.setHeader('Content-Type', 'text/plain');
    response.setHeader('Proxy-Status', `quoll; error=http_request_denied; details="${REASONS[reason]}"`);
    response.end('overloaded\n');
  }

  /** For express and connect: (request, response, next). */
  function middleware(request, response, next) {
    const reason = reasonFor(request);
    counts[REASONS[reason]]++;
    if (reason === 0) next();
    else refuse(response, reason);
  }

  /** Around a handler of http.createServer. */
  middleware.wrap = (handler) => function handle(request, response) {
    middleware(request, response, () => handler.call(this, request, response));
  };

  /** A hook for fastify: app.addHook('onRequest', shed.fastify). */
  middleware.fastify = (request, reply, done) => {
    const reason = reasonFor(request.raw);
    counts[REASONS[reason]]++;
    if (reason === 0) {
      done();
      return;
    }
    reply.code(503).header('Retry-After', wait).type('text/plain')
      .header('Proxy-Status', `quoll; error=http_request_denied; details="${REASONS[reason]}"`).send('overloaded\n');
  };

  /** What it let in and refused, and what core goes by: { admitted, overload, tooOld, share, overloaded, leastDelay }. */
  middleware.report = () => {
    const { share, overloaded, leastDelay } = portable ? { share: 1, overloaded: false, leastDelay: 0 }
      : native.admissionReport(admission);
    return { admitted: counts.admitted, overload: counts.overload, tooOld: counts.too_old, share, overloaded, leastDelay };
  };

  return middleware;
}

module.exports = { shed };
