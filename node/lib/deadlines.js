// Timers of calls: one of Node's for each length of time, and a list of the calls that wait for it.
//
// A timer for each call would be a third of the price of fire(). Calls of one length end in the order in which they
// began, so a list needs only the timer of its head. While a list has calls its timer keeps the process alive, as a timer
// of their own would; once it is empty, at the end of that turn of the loop, it no longer does.
'use strict';
const clock = require('./clock');

const lists = new Map(); // ms -> List
let sweep; // the setImmediate that looks for empty lists
const emptied = [];

class List {
  constructor(millis) {
    this.millis = millis;
    this.head = undefined;
    this.tail = undefined;
    this.timer = undefined;
    this.held = false; // the timer keeps the process alive
    this.swept = true; // not among `emptied`
  }
}

function unhold() {
  sweep = undefined;
  for (const list of emptied) {
    list.swept = true;
    if (list.head !== undefined || !list.held) continue;
    list.timer.unref?.();
    list.held = false;
  }
  emptied.length = 0;
}

function arm(list, millis) {
  list.timer = setTimeout(due, millis, list);
  list.held = true;
}

let newest = new List(-1); // the list that was asked for last

function listOf(millis) {
  newest = lists.get(millis) ?? new List(millis);
  lists.set(millis, newest);
  return newest;
}

/** After `millis`, call.expired() is called, in the context in which the call was made. */
function add(call, millis) {
  if (clock.faked()) {
    call.timer = setTimeout(() => call.inContext.runInAsyncScope(call.expired, call), millis);
    return;
  }
  const list = newest.millis === millis ? newest : listOf(millis);
  call.list = list;
  call.previous = list.tail;
  call.next = undefined;
  if (list.tail === undefined) list.head = call;
  else list.tail.next = call;
  list.tail = call;
  if (list.timer === undefined) {
    arm(list, millis);
  } else if (!list.held) {
    list.timer.ref();
    list.held = true;
  }
}

function remove(call) {
  const { list } = call;
  if (list === undefined) return;
  if (call.previous === undefined) list.head = call.next;
  else call.previous.next = call.next;
  if (call.next === undefined) list.tail = call.previous;
  else call.next.previous = call.previous;
  call.list = call.previous = call.next = undefined;
  if (list.head !== undefined || !list.swept) return;
  list.swept = false;
  emptied.push(list);
  sweep ??= setImmediate(unhold);
}

function due(list) {
  list.timer = undefined;
  list.held = false;
  for (let call = list.head; call !== undefined; call = list.head) {
    const left = call.startedAt + list.millis - clock.now();
    // Node's timers count whole milliseconds, and may be one early.
    if (left > 1) {
      arm(list, Math.ceil(left));
      return;
    }
    remove(call);
    call.inContext.runInAsyncScope(call.expired, call);
  }
  lists.delete(list.millis);
  if (newest === list) newest = new List(-1);
}

module.exports = { add, remove };
