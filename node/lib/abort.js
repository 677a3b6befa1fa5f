// AbortControllers: each call its own, so that one timeout does not abort the others.
//
// opossum's callers hand the breaker one controller and its signal to each call. Here a call that is given that signal
// (as an argument, or as `signal` in a plain object) gets one of its own in its place, which follows the shared one. The
// shared controller is aborted as well when no other call is under way that it could hurt.
'use strict';

const abortedByUs = new WeakSet(); // shared signals
const followers = new WeakMap(); // shared signal -> the controllers that follow it

function follow(shared, controller) {
  if (shared.aborted) {
    if (!abortedByUs.has(shared)) controller.abort(shared.reason);
    return;
  }
  let set = followers.get(shared);
  if (set === undefined) {
    followers.set(shared, set = new Set());
    // One listener for all of them: a signal warns of more than ten.
    shared.addEventListener('abort', () => {
      if (!abortedByUs.has(shared)) for (const each of set) each.abort(shared.reason);
      set.clear();
    }, { once: true });
  }
  set.add(controller);
}

/** The call's own controller; made when it is first wanted. */
function controllerOf(call, shared) {
  if (call.controller === undefined) {
    call.controller = new AbortController();
    if (shared) follow(shared, call.controller);
  }
  return call.controller;
}

// What can be copied by its properties.
function isPlain(value) {
  if (value === null || typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The arguments with the shared signal replaced by the call's own. */
function ownSignals(call, args, shared) {
  let own = args;
  args.forEach((each, index) => {
    const inObject = isPlain(each) && each.signal === shared;
    if (each !== shared && !inObject) return;
    if (own === args) own = args.slice();
    const { signal } = controllerOf(call, shared);
    own[index] = inObject ? { ...each, signal } : signal;
  });
  return own;
}

function forget(call, shared) {
  if (call.controller !== undefined && shared) followers.get(shared)?.delete(call.controller);
}

/** Aborts the shared controller for a timed-out call, if that hurts no other. */
function abortShared(controller, othersUnderWay) {
  if (othersUnderWay > 0 || controller.signal?.aborted) return;
  if (controller.signal) abortedByUs.add(controller.signal);
  controller.abort();
}

module.exports = { controllerOf, ownSignals, forget, abortShared };
