// The stand-in for the native part where there is none: the same functions on the same array, in JavaScript.
//
// A circuit here has what opossum's has: the error rate over a window of buckets, one trial at a time, a reset time. What
// needs core or the kernel is off: sockets cannot be looked into (calls wait for one turn of the loop instead), and
// adaptive timeouts, slow calls, ramp, retry, the pages and shed() are refused by name, not passed over.
'use strict';

const SLOT = { now: 0, upstream: 1, local: 2, moved: 3, trial: 4, bytes: 5, arrived: 13, sent: 11, deadline: 12, rescued: 15 };
const BATCH = { first: 19, row: 4 };
const OUTCOMES = ['success', 'failure', 'timeout', 'cancelled', 'ignored'];
const NEEDS_CORE = ['adaptive', 'retry', 'slowCallThreshold', 'ramp'];
const NEWEST_MOVES = 16; // kept in the journal

let slots;
const circuits = [];
const calls = new Map(); // number -> { circuit, generation, trial }
let nextCall = 0;
const free = []; // numbers of circuits that are gone
const gone = new FinalizationRegistry((id) => {
  circuits[id] = undefined;
  free.push(id);
});

class Circuit {
  constructor(options, now) {
    this.options = options;
    this.width = options.window / options.buckets;
    this.buckets = new Map(); // tick -> [failures, calls, begun]
    this.state = 'closed';
    this.since = now;
    this.generation = 0;
    this.trials = 0;
    this.consecutive = 0;
    this.warming = false;
    this.untold = [];
    this.journal = [];
    this.totals = { success: 0, failure: 0, timeout: 0, cancelled: 0, inconclusive: 0, rejected: 0, stale: 0 };
  }

  bucket(now) {
    const tick = Math.floor(now / this.width);
    for (const each of this.buckets.keys()) if (each <= tick - this.options.buckets) this.buckets.delete(each);
    let found = this.buckets.get(tick);
    if (found === undefined) this.buckets.set(tick, found = [0, 0, 0]);
    return found;
  }

  counts(now) {
    this.bucket(now);
    const sum = [0, 0, 0];
    for (const each of this.buckets.values()) for (let i = 0; i < 3; i++) sum[i] += each[i];
    const over = Math.max(sum[1], sum[2]);
    return { calls: over, failedCalls: sum[0], failureRate: over > 0 ? sum[0] / over : 0 };
  }

  move(to, reason, now) {
    const counts = this.counts(now);
    const openFor = to === 'open' ? this.options.resetTimeout : 0;
    const transition = {
      sequence: ++this.generation, at: now, from: this.state, to, reason,
      text: `${this.state} -> ${to} (${reason}): ${counts.failedCalls} of ${counts.calls} calls failed`,
      evidence: { counts, consecutive: this.consecutive, openFor },
    };
    this.state = to;
    this.since = now;
    this.trials = this.consecutive = 0;
    if (to !== 'half_open') this.buckets.clear();
    this.untold.push(transition);
    this.journal.push(transition);
    if (this.journal.length > NEWEST_MOVES) this.journal.shift();
    slots[SLOT.moved] = 1;
  }

  refusesFor(now) {
    if (this.state === 'open') return Math.max(0, this.since + this.options.resetTimeout - now);
    return this.state === 'half_open' && this.trials > 0 ? Infinity : 0;
  }

  ask(now) {
    if (this.state === 'open' && this.refusesFor(now) === 0) this.move('half_open', 'reset_timeout', now);
    if (this.refusesFor(now) > 0) {
      this.totals.rejected++;
      return undefined;
    }
    const trial = this.state === 'half_open';
    if (trial) this.trials++;
    return { circuit: this, generation: this.generation, trial };
  }

  tell(permit, outcome, now) {
    const name = OUTCOMES[outcome];
    this.totals[name === 'ignored' ? 'inconclusive' : name]++;
    if (permit.generation !== this.generation) {
      this.totals.stale++;
      return;
    }
    if (permit.trial) this.trials--;
    if (name === 'cancelled' || name === 'ignored') return;
    const bad = name !== 'success';
    const bucket = this.bucket(now);
    bucket[1]++;
    if (bad) bucket[0]++;
    this.consecutive = bad ? this.consecutive + 1 : 0;
    if (permit.trial) this.move(bad ? 'open' : 'closed', bad ? 'trial_failed' : 'trials_succeeded', now);
    else if (bad && this.state === 'closed' && !this.warming) this.judge(now);
  }

  judge(now) {
    const { rateOff, failureRateThreshold, minimumVolume, consecutiveFailures } = this.options;
    const counts = this.counts(now);
    if (consecutiveFailures > 0 && this.consecutive >= consecutiveFailures) {
      this.move('open', 'consecutive_failures', now);
    } else if (!rateOff && counts.calls >= minimumVolume && counts.failureRate >= failureRateThreshold) {
      this.move('open', 'failure_rate', now);
    }
  }
}

const time = () => slots[SLOT.now] || performance.now();

function begin(circuit, number, now) {
  slots[SLOT.moved] = circuit.untold.length > 0 ? 1 : 0;
  const permit = circuit.ask(now);
  if (permit === undefined) {
    slots[SLOT.local] = circuit.refusesFor(now);
    return -1;
  }
  slots[SLOT.upstream] = Infinity;
  slots[SLOT.trial] = permit.trial ? 1 : 0;
  calls.set(number, permit);
  return number;
}

module.exports = {
  bind(numbers) {
    slots = numbers;
  },

  createCircuit(options) {
    for (const each of NEEDS_CORE) {
      if (options[each]) throw Object.assign(new Error(`quoll: ${each} needs the native part`), { code: 'ERR_QUOLL_PORTABLE' });
    }
    const owner = {};
    const id = free.pop() ?? circuits.length;
    circuits[id] = new Circuit(options, time());
    gone.register(owner, id);
    return { id, owner };
  },

  start(id) {
    const now = time();
    const circuit = circuits[id];
    circuit.bucket(now)[2]++;
    nextCall = (nextCall + 1) % 2 ** 30;
    return begin(circuit, nextCall, now);
  },

  again(number) {
    return begin(calls.get(number).circuit, number, time());
  },

  finish(number, word) {
    const permit = calls.get(number);
    calls.delete(number);
    permit.circuit.tell(permit, word & 7, time());
    slots[SLOT.moved] = permit.circuit.untold.length > 0 ? 1 : 0;
    return 0;
  },

  successes(count) {
    for (let at = BATCH.first; count > 0; count--, at += BATCH.row) {
      const circuit = circuits[slots[at]];
      const permit = circuit?.ask(slots[at + 1]);
      if (permit === undefined) continue;
      circuit.bucket(slots[at + 1])[2]++;
      circuit.tell(permit, 0, slots[at + 1]);
    }
  },

  drop(number) {
    const permit = calls.get(number);
    if (permit === undefined) return;
    calls.delete(number);
    permit.circuit.tell(permit, 3, time());
  },

  command(id, what) {
    const circuit = circuits[id];
    const now = time();
    if (what === 'open' && circuit.state !== 'open') circuit.move('open', 'by_hand', now);
    else if (what === 'close' && circuit.state !== 'closed') circuit.move('closed', 'by_hand', now);
    else if (what === 'poll' && circuit.state === 'open' && circuit.refusesFor(now) === 0) circuit.move('half_open', 'reset_timeout', now);
    else if (what === 'warm' || what === 'cool') circuit.warming = what === 'warm';
    slots[SLOT.moved] = circuit.untold.length > 0 ? 1 : 0;
  },

  prime(id, fires, successes, failures, timeouts) {
    const bucket = circuits[id].bucket(time());
    bucket[0] += failures + timeouts;
    bucket[1] += successes + failures + timeouts;
    bucket[2] += fires;
  },

  count(id, what) {
    if (what === 'begun') circuits[id].bucket(time())[2]++;
  },

  refusesFor: (id) => circuits[id].refusesFor(time()),
  noteStall() {},

  takeTransitions(id) {
    const { untold } = circuits[id];
    circuits[id].untold = [];
    return untold;
  },

  report(id) {
    const { state, since, totals, journal, trials, options } = circuits[id];
    const counts = circuits[id].counts(time());
    return {
      name: options.name, state, since, remaining: circuits[id].refusesFor(time()), trialsInFlight: trials, counts,
      totals: { ...totals }, journal: journal.slice(), portable: true,
      text: `${state}: ${counts.failedCalls} of ${counts.calls} calls failed in the window`,
    };
  },

  // No socket can be seen.
  tick: () => 4,
  stampsOn: () => 0,
  look() {
    slots[SLOT.bytes] = -1;
  },
  judge(answer) {
    slots[SLOT.upstream] = slots[SLOT.arrived] - slots[SLOT.sent];
    slots[SLOT.local] = slots[SLOT.rescued] = 0;
    return slots[SLOT.arrived] > slots[SLOT.deadline] ? 2 : answer === 1 ? 0 : 1;
  },
};
