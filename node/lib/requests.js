// Which request a call has under way, and on which socket: found by the channels that undici and http publish on.
//
// A call runs its action inside an AsyncLocalStorage, so a request that the action makes, however deep, is known to be
// that call's. The socket is asked for kernel stamps, once, and is known by its cookie from then on.
//
//   fetch, undici   undici:request:create (whose) .. sendHeaders (socket; it leaves) .. bodySent .. trailers (complete)
//   http, https     http.client.request.start (whose) .. the request's `socket` .. connect, if it is new (it leaves)
'use strict';
const clock = require('./clock');
const { AsyncLocalStorage } = require('node:async_hooks');
const channels = require('node:diagnostics_channel');
const { native, slots, AT } = require('./native');

const scope = new AsyncLocalStorage();
let seen = false; // a request of anybody's was published

/** One request of a call. */
class Request {
  socket = null;
  fd = -1;
  cookie = 0;
  sentAt = 0; // 0: it has not left yet; else it left at or after it
  leftBy = Infinity; // and at or before it
  over = false; // answered whole, failed, or given up
  begun = false; // the head of its answer was read
  response = null; // of http, whose `complete` says that the answer is whole
  message = null; // the http.ClientRequest
  segments = -1; // that its connection had brought when it left
  arrivedAt = -1; // its last bytes, as the kernel's ticks have it; noted before the socket goes to another
  whole = false; // they came in one segment, so that its first ones arrived then too

  /** Nothing more is awaited from its socket. */
  get done() {
    return this.over || this.response?.complete === true || this.message?.destroyed === true;
  }

  /** The kernel has all of it. */
  get left() {
    return this.sentAt > 0 && !(this.message !== null && this.socket?.writableLength > 0);
  }
}

const TICK = native.tick(); // ms: TCP_INFO counts in the kernel's ticks
const CLOSE = 2; // ms

const owners = new WeakMap(); // socket -> the request that has it
const cookies = new WeakMap(); // socket -> its cookie, once stamps are on

/** Whether this socket answers this request and no other. */
const owns = (request) => owners.get(request.socket) === request;

function newRequest() {
  seen = true;
  const call = scope.getStore();
  if (call === undefined || call.over) return undefined;
  const request = new Request();
  // A call inside another's action: both wait for it.
  for (let each = call; each; each = each.parent) if (!each.over) each.add(request);
  request.calls = call;
  return request;
}

function take(request, socket) {
  const before = owners.get(socket);
  // Several at a time on one connection (HTTP/2, pipelining): whose the bytes are cannot be known.
  if (before !== undefined && before !== request && !before.done) {
    before.socket = null;
    owners.delete(socket);
    return;
  }
  if (before !== undefined && before !== request) noteArrival(before);
  request.socket = socket;
  owners.set(socket, request);
  stamp(request);
}

function stamp(request) {
  const fd = request.socket?._handle?.fd;
  if (!(fd >= 0)) return;
  let cookie = cookies.get(request.socket);
  if (cookie === undefined) {
    cookie = native.stampsOn(fd);
    cookies.set(request.socket, cookie);
  }
  request.fd = fd;
  request.cookie = cookie;
}

// An answer that was read after its deadline is judged by when the socket had it. Its action may hear of it only once
// the socket has gone to the next request.
function noteArrival(request) {
  if (request.arrivedAt >= 0 || request.sentAt === 0 || request.cookie === 0) return;
  const now = clock.now();
  if (now <= request.calls.deadline || request.calls.over) return;
  native.look(request.fd, request.cookie, 0);
  if (slots[AT.bytes] < 0 || slots[AT.quiet] < 0) return;
  refineSent(request, now);
  request.arrivedAt = now - slots[AT.quiet];
  request.whole = cameAtOnce(request);
}

/** After a look: the answer came in one segment, so that its newest byte is as old as its oldest. */
const cameAtOnce = (request) => request.segments >= 0 && slots[AT.segments] === request.segments + 1;

// The channels publish before the bytes are written, in the same turn; and a process that is out of CPU may stop there.
function sent(request) {
  const now = clock.now();
  request.sentAt = now;
  request.leftBy = Infinity;
  process.nextTick(hasLeft, request);
  if (request.cookie === 0) stamp(request);
  if (request.cookie !== 0 && request.segments < 0) {
    native.look(request.fd, request.cookie, 0);
    request.segments = slots[AT.segments];
  }
  for (let each = request.calls; each; each = each.parent) each.left(now, request);
}

function hasLeft(request) {
  request.leftBy = clock.now();
}

/**
 * After a look: where it is not known to 2 ms when a request left, the kernel's ticks say it, which errs towards more time.
 * Its calls' deadlines move with it.
 */
function refineSent(request, now) {
  if (request.leftBy - request.sentAt <= CLOSE || slots[AT.sentAgo] < 0) return;
  const left = Math.min(request.leftBy, now - slots[AT.sentAgo] + TICK);
  if (left <= request.sentAt) return;
  request.sentAt = request.leftBy = left;
  for (let each = request.calls; each; each = each.parent) each.left(left, request);
}

const undiciRequests = new WeakMap();
const undiciKey = ({ request }) => undiciRequests.get(request);

function overOf(message) {
  const request = undiciKey(message);
  if (request === undefined) return;
  noteArrival(request);
  request.over = true;
}

function onHttpSocket(request, socket) {
  take(request, socket);
  if (socket.connecting || socket.secureConnecting) {
    const event = socket.encrypted || socket.secureConnecting ? 'secureConnect' : 'connect';
    socket.once(event, () => sent(request));
    // The handle has its descriptor once the name is resolved; stamps wait until it connects.
  } else {
    sent(request);
  }
}

const SUBSCRIPTIONS = {
  'undici:request:create': ({ request: key }) => {
    const request = newRequest();
    if (request !== undefined) undiciRequests.set(key, request);
  },
  'undici:client:sendHeaders': ({ request: key, socket }) => {
    const request = undiciRequests.get(key);
    if (request === undefined) return;
    take(request, socket);
    sent(request);
  },
  'undici:request:bodySent': (message) => {
    const request = undiciKey(message);
    if (request !== undefined && request.sentAt > 0) sent(request);
  },
  'undici:request:headers': (message) => {
    const request = undiciKey(message);
    if (request !== undefined) request.begun = true;
  },
  'undici:request:trailers': overOf,
  'undici:request:error': overOf,
  'http.client.request.start': ({ request: message }) => {
    const request = newRequest();
    if (request === undefined) return;
    request.message = message;
    message[REQUEST] = request;
    if (message.socket) onHttpSocket(request, message.socket);
    else message.once('socket', (socket) => onHttpSocket(request, socket));
  },
  'http.client.response.finish': ({ request: message, response }) => {
    const request = message[REQUEST];
    if (request === undefined) return;
    request.response = response;
    request.begun = true;
  },
};
const REQUEST = Symbol('quoll.request');

let listening = false;

/** Begins to listen to the channels, with the first call that has a deadline. */
function listen() {
  if (listening) return;
  listening = true;
  for (const [name, handler] of Object.entries(SUBSCRIPTIONS)) channels.subscribe(name, handler);
}

// The calls of each breaker run in a scope until so many are over. As long as nobody in this process has ever made a request,
// later ones do without, and the storage is off between them: up to Node 22 it makes each promise of the process dearer, by half.
const FIRST = 16;
let scoped = 0; // calls under way in a scope

const needsScope = (breaker) => seen || breaker.fruitless < FIRST;

function runScoped(call, action) {
  scoped++;
  scope.run(call, action, call);
}

/** A call of this breaker that ran in a scope is over. */
function leaveScope(breaker) {
  if (!seen) breaker.fruitless++;
  if (--scoped === 0 && !seen) scope.disable();
}

module.exports = { scope, needsScope, runScoped, leaveScope, listen, owns, stamp, noteArrival, cameAtOnce, refineSent, TICK };
