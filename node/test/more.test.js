// What this package has beyond opossum: the policies of core, evidence, the registry, wrong types.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const CircuitBreaker = require('..');
const { native, portable } = require('../lib/native');

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const skip = portable && 'no native part here';
const failing = async () => {
  throw new Error('down');
};
const failed = (breaker, ...args) => assert.rejects(breaker.fire(...args));

test('explain() and transition events bring the evidence of an opening', { skip }, async () => {
  const breaker = new CircuitBreaker(failing, { name: 'payments', volumeThreshold: 4 });
  const seen = [];
  breaker.on('transition', (transition) => seen.push(transition));
  for (let i = 0; i < 4; i++) await failed(breaker);
  assert.strictEqual(seen.length, 1);
  const [{ from, to, reason, text, evidence }] = seen;
  assert.deepStrictEqual([from, to], ['closed', 'open']);
  assert.match(reason, /rate/);
  assert.deepStrictEqual([evidence.counts.calls, evidence.counts.failedCalls, evidence.minimumVolume], [4, 4, 4]);
  assert.match(text, /4/);
  const told = breaker.explain();
  assert.deepStrictEqual([told.name, told.state, told.totals.failure, told.journal.length], ['payments', 'open', 4, 1]);
  assert.ok(told.remaining > 29_000 && told.remaining <= 30_000);
});

test('a refusal says when to come again', async () => {
  const breaker = new CircuitBreaker(failing, { resetTimeout: 5000 });
  await failed(breaker);
  const error = await breaker.fire().catch((each) => each);
  assert.strictEqual(error.code, 'EOPENBREAKER');
  assert.ok(error.retryAfter > 4000 && error.retryAfter <= 5000);
});

test('consecutive failures open it before any rate does', async () => {
  const breaker = new CircuitBreaker(async (x) => { if (x < 0) throw new Error('no'); }, {
    errorThresholdPercentage: 100, consecutiveFailures: 3,
  });
  for (const x of [-1, -1, 1, -1, -1]) await breaker.fire(x).catch(() => {});
  assert.ok(breaker.closed);
  await failed(breaker, -1);
  assert.ok(breaker.opened);
});

test('a circuit that is slow opens, though each call is good', { skip }, async () => {
  const breaker = new CircuitBreaker(() => sleep(25), { slowCallThreshold: 10, slowCallRateThreshold: 0.5, volumeThreshold: 3 });
  for (let i = 0; i < 4 && breaker.closed; i++) await breaker.fire();
  assert.ok(breaker.opened);
  assert.match(breaker.explain().journal[0].reason, /slow/);
});

test('several trials, of which as many must be good', { skip }, async () => {
  const breaker = new CircuitBreaker(async (x) => { await sleep(5); if (x < 0) throw new Error('no'); }, {
    resetTimeout: 30, errorThresholdPercentage: 1, halfOpenPermits: 2, halfOpenSuccesses: 2,
  });
  await failed(breaker, -1);
  await sleep(60);
  const trials = [breaker.fire(1), breaker.fire(1)];
  await assert.rejects(breaker.fire(1), { code: 'EOPENBREAKER' });
  await Promise.all(trials);
  assert.ok(breaker.closed);
});

test('the reset time grows while trials fail', { skip }, async () => {
  const breaker = new CircuitBreaker(failing, { resetTimeout: 20, resetMultiplier: 3, resetTimeoutMax: 1000 });
  const openFor = [];
  breaker.on('transition', ({ to, evidence }) => to === 'open' && openFor.push(evidence.openFor));
  await failed(breaker);
  await sleep(50);
  await failed(breaker);
  assert.deepStrictEqual(openFor.map(Math.round), [20, 60]);
});

test('after closing, calls are let in bit by bit', { skip }, async () => {
  const breaker = new CircuitBreaker(async (x) => { if (x < 0) throw new Error('no'); }, {
    resetTimeout: 20, errorThresholdPercentage: 50, ramp: 60_000, rampStart: 0.1, seed: 7,
  });
  await failed(breaker, -1);
  await sleep(50);
  await breaker.fire(1);
  assert.ok(breaker.closed);
  let refused = 0;
  for (let i = 0; i < 200; i++) await breaker.fire(1).catch((error) => { refused += error.code === 'EOPENBREAKER' ? 1 : 0; });
  assert.ok(refused > 140 && refused < 200, `${refused} of 200`);
});

test('retry: another attempt, told by an event, and one failure when all are used up', { skip }, async () => {
  let calls = 0;
  const breaker = new CircuitBreaker(async (bad) => { if (calls++ < bad) throw new Error('not yet'); return calls; }, {
    retry: { attempts: 3, base: 5, cap: 10 }, errorThresholdPercentage: 100,
  });
  const retries = [];
  breaker.on('retry', (error, wait) => retries.push([error.message, wait > 0]));
  assert.strictEqual(await breaker.fire(2), 3);
  assert.deepStrictEqual(retries, [['not yet', true], ['not yet', true]]);
  assert.deepStrictEqual([breaker.stats.fires, breaker.stats.successes, breaker.stats.failures], [1, 1, 0]);
  calls = 0;
  await assert.rejects(breaker.fire(9), /not yet/);
  assert.strictEqual(calls, 3);
  assert.strictEqual(breaker.stats.failures, 1);
  assert.strictEqual(breaker.inFlight, 0);
});

test('retry: the budget bounds what a dead backend is asked', { skip }, async () => {
  let calls = 0;
  const breaker = new CircuitBreaker(async () => { calls++; throw new Error('down'); }, {
    retry: { attempts: 4, base: 1, cap: 2, budget: { ratio: 0.1, minimumPerSecond: 0, capacity: 10 } }, errorThresholdPercentage: 100,
  });
  await Promise.all(Array.from({ length: 100 }, () => failed(breaker)));
  assert.ok(calls >= 100 && calls <= 125, `${calls} attempts of 100 calls`);
});

test('an adaptive timeout is learned from what calls take', { skip }, async () => {
  const breaker = new CircuitBreaker((wait) => sleep(wait), {
    timeout: 'adaptive', adaptive: { floor: 20, ceiling: 5000, initial: 1000 }, errorThresholdPercentage: 100,
  });
  assert.ok(breaker.explain().timeout >= 1000);
  await Promise.all(Array.from({ length: 64 }, () => breaker.fire(3)));
  const { timeout } = breaker.explain();
  assert.ok(timeout < 500, `${timeout} ms`);
  await assert.rejects(breaker.fire(2000), { code: 'ETIMEDOUT', message: `Timed out after ${Math.round(timeout)}ms` });
});

test('a lack of this process is not held against the upstream', async () => {
  const breaker = new CircuitBreaker(async () => { throw Object.assign(new Error('too many files'), { code: 'EMFILE' }); }, { errorThresholdPercentage: 1 });
  for (let i = 0; i < 3; i++) await failed(breaker);
  assert.ok(breaker.closed);
  assert.strictEqual(breaker.stats.failures, 3);
});

test('registry: a breaker for each host; one that is down does not close the others', async () => {
  const base = new CircuitBreaker(async (url) => { if (url.includes('bad')) throw new Error('down'); return url; }, { name: 'web' });
  const hosts = base.registry({ most: 2 });
  const moves = [];
  hosts.on('transition', ({ to }, host) => moves.push([to, host]));
  await assert.rejects(hosts.fire('http://bad:1/'));
  assert.strictEqual(await hosts.fire('http://good/'), 'http://good/');
  assert.deepStrictEqual(moves, [['open', 'bad:1']]);
  assert.strictEqual(hosts.of('bad:1').name, 'web:bad:1');
  assert.ok(hosts.of('bad:1').opened && hosts.of('good').closed && base.closed);
  hosts.of('third');
  assert.deepStrictEqual([hosts.size, hosts.evicted, hosts.has('good'), hosts.has('bad:1')], [2, 1, false, true], 'an idle closed one goes first');
  assert.deepStrictEqual([...hosts].map(([host]) => host), ['bad:1', 'third']);
  assert.throws(() => hosts.fire('no url'), { name: 'TypeError' });
  assert.throws(() => base.registry({ most: 0 }), { name: 'RangeError' });
  hosts.shutdown();
  assert.strictEqual(hosts.size, 0);
});

test('each call has its own signal; inside the action getSignal() gives it', async () => {
  const breaker = new CircuitBreaker(async (wait) => {
    const signal = breaker.getSignal();
    await sleep(wait);
    return signal.aborted;
  }, { autoRenewAbortController: true, timeout: 60, errorThresholdPercentage: 100 });
  const late = breaker.fire(150).catch((error) => error.code);
  await sleep(30);
  assert.strictEqual(await breaker.fire(45), false);
  assert.strictEqual(await late, 'ETIMEDOUT');
});

test('what a listener throws does not keep the place or the call', async () => {
  const breaker = new CircuitBreaker(async () => 1, { capacity: 1 });
  breaker.on('success', () => { throw new Error('of the listener'); });
  for (let i = 0; i < 3; i++) await assert.rejects(breaker.fire(), /of the listener/);
  assert.deepStrictEqual([breaker.semaphore.count, breaker.inFlight], [1, 0]);
});

for (const event of ['failure', 'open', 'fallback', 'transition']) {
  for (const action of [failing, () => { throw new Error('at once'); }]) {
    for (const timeout of [1000, false]) {
      test(`a listener of ${event} that throws settles the call with its error (timeout ${timeout}, ${action === failing ? 'later' : 'at once'})`, async () => {
        const breaker = new CircuitBreaker(action, { capacity: 1, timeout }).fallback(() => 'fallback');
        breaker.on(event, () => { throw new Error('of the listener'); });
        await assert.rejects(breaker.fire(), /of the listener/);
        assert.deepStrictEqual([breaker.semaphore.count, breaker.inFlight], [1, 0]);
      });
    }
  }
}

test('an action that returns nothing, and a filter that throws, end the call', async () => {
  for (const options of [{}, { compat: 'opossum' }]) {
    const silent = new CircuitBreaker((x) => x, { ...options });
    assert.deepStrictEqual([await silent.fire(undefined), await silent.fire(null), silent.stats.failures], [undefined, null, 0]);
    const errorFilter = () => { throw new Error('of the filter'); };
    await assert.rejects(new CircuitBreaker(failing, { ...options, errorFilter }).fire(), /of the filter/);
  }
});

test('a refusal for want of room is given to nobody else', async () => {
  const breaker = new CircuitBreaker((x) => sleep(x), { capacity: 1, coalesce: true });
  const first = breaker.fire(20);
  await assert.rejects(breaker.fire(1), { code: 'ESEMLOCKED' });
  await first;
  await breaker.fire(1);
});

test('the context of fire() is that of its events, also when a timer ends it', async () => {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const context = new AsyncLocalStorage();
  const breaker = new CircuitBreaker(() => sleep(80), { timeout: 20, errorThresholdPercentage: 100 });
  const seen = [];
  breaker.on('timeout', () => seen.push(context.getStore()));
  await Promise.all(['a', 'b'].map((each) => context.run(each, () => breaker.fire().catch(() => {}))));
  assert.deepStrictEqual(seen, ['a', 'b']);
});

const options = { timeout: '1', resetTimeout: 'soon', rollingCountTimeout: NaN, rollingCountBuckets: {}, capacity: 'x', volumeThreshold: [],
  errorThresholdPercentage: '50', cacheTTL: Infinity, coalesceTTL: 'x', errorFilter: 1, cacheGetKey: 'key', coalesceResetOn: 'error' };
for (const [name, value] of Object.entries(options)) {
  test(`a wrong type is a TypeError with the option's name: ${name}`, () => {
    assert.throws(() => new CircuitBreaker(failing, { [name]: value }), (error) => error instanceof TypeError && error.message.includes(name));
  });
}

test('a wrong type is a TypeError with the option\'s name: those of core', { skip }, () => {
  for (const [name, value] of Object.entries({ slowCallThreshold: 'x', consecutiveFailures: {}, resetJitter: 'x', ramp: [], halfOpenPermits: '2' })) {
    assert.throws(() => new CircuitBreaker(failing, { [name]: value }), (error) => error instanceof TypeError && error.message.includes(name), name);
  }
  assert.throws(() => new CircuitBreaker(failing, { slowCallThreshold: 10, slowCallRateThreshold: 7 }), { name: 'RangeError' });
  assert.throws(() => new CircuitBreaker(failing, { retry: 'often' }), { name: 'TypeError' });
});

// Each function of the add-on with arguments of every wrong kind: an error of JavaScript's, never the end of the process.
test('the add-on takes nothing amiss', { skip }, () => {
  const { id, owner } = native.createCircuit({ name: 'x' });
  assert.ok(owner);
  const odd = [undefined, null, NaN, -1, 1.5, 2 ** 40, 'text', {}, [], () => {}, Symbol('s'), 10n, id];
  for (const [name, call] of Object.entries(native)) {
    if (['bind', 'servePages'].includes(name)) continue;
    for (const first of odd) {
      for (const second of odd) {
        for (const more of [[], [0], ['x', {}], [1, 2, 3, 4, 5, 6, 7]]) {
          try {
            call(first, second, ...more);
          } catch (error) {
            assert.ok(error instanceof TypeError || error instanceof RangeError, `${name}: ${error}`);
            assert.match(error.message, /^quoll: /);
          }
        }
      }
    }
  }
  for (const wrong of [[], [1], [[]], [new Float64Array(1), 1], [new Float32Array(1000), 1]]) assert.throws(() => native.bind(...wrong), TypeError);
  for (const wrong of [[], ['x'], ['127.0.0.1', -1], ['127.0.0.1', 70000], [1, 1]]) assert.throws(() => native.servePages(...wrong));
});

test('a number that is used up, or a descriptor that is another\'s by now, is noticed', { skip }, async (t) => {
  const net = require('node:net');
  const { slots, AT } = require('../lib/native');
  const { id, owner } = native.createCircuit({ name: 'x' });
  slots[AT.now] = 0;
  const call = native.start(id, 1);
  native.finish(call, 0);
  assert.throws(() => native.finish(call, 0), /call is over/);
  native.drop(call);
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const sockets = [];
  t.after(() => { sockets.forEach((each) => each.destroy()); server.close(); });
  const connect = () => new Promise((resolve) => {
    const socket = net.connect(server.address().port, '127.0.0.1', () => resolve(socket));
    sockets.push(socket);
  });
  const first = await connect();
  const { fd } = first._handle;
  const cookie = native.stampsOn(fd);
  assert.ok(cookie > 0);
  native.look(fd, cookie, 1);
  assert.strictEqual(slots[AT.bytes], -11);
  first.destroy();
  await new Promise((resolve) => first.once('close', resolve));
  native.look(fd, cookie, 1);
  assert.strictEqual(slots[AT.bytes], -9, 'closed');
  await Promise.all([connect(), connect(), connect()]);
  native.look(fd, cookie, 1);
  assert.strictEqual(slots[AT.bytes], -9, 'another\'s');
  assert.ok(owner);
});

// Node 18's own fakes clear the wrong timer.
const NODE = Number(process.versions.node.split('.')[0]);
test('faked timers are believed', { skip: NODE < 20 && 'this Node has no timers to mock' }, async (t) => {
  for (const apis of [['setTimeout'], ['setTimeout', 'setImmediate', 'setInterval', 'Date']]) {
    t.mock.timers.enable(NODE >= 21 ? { apis } : apis.filter((each) => each !== 'Date'));
    const breaker = new CircuitBreaker(() => new Promise(() => {}), { timeout: 10_000, resetTimeout: 30_000 });
    const call = breaker.fire();
    t.mock.timers.tick(10_000);
    await assert.rejects(call, { code: 'ETIMEDOUT' });
    assert.ok(breaker.opened);
    t.mock.timers.tick(30_000);
    assert.ok(breaker.halfOpen);
    t.mock.timers.reset();
  }
});
