// The package as a guest in a process: memory, handles, warnings, threads, both module systems, types.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const CircuitBreaker = require('..');
const { portable } = require('../lib/native');

const here = path.join(__dirname, '..');
const skip = portable && 'no native part here';

/** Runs a program that has `CircuitBreaker`; the time is bounded, so that a handle left open fails the test. */
function run(program, { flags = [], env = {} } = {}) {
  const source = `const CircuitBreaker = require(${JSON.stringify(here)});\n${program}`;
  return spawnSync(process.execPath, [...flags, '-e', source], { encoding: 'utf8', timeout: 15_000, env: { ...process.env, ...env } });
}

function output(program, more) {
  const { status, signal, stdout, stderr } = run(program, more);
  assert.deepStrictEqual([status, signal], [0, null], stderr);
  assert.strictEqual(stderr, '');
  return stdout.trim();
}

test('parts that programs require by their path in opossum are there by the same path', () => {
  assert.strictEqual(require('quoll/lib/circuit'), CircuitBreaker);
  for (const part of ['circuit.js', 'status', 'semaphore', 'cache']) {
    assert.strictEqual(typeof require(`quoll/lib/${part}`), 'function', part);
  }
});

test('100,000 calls leave no memory behind, and warn of nothing', () => {
  const text = output(`
    const kinds = [
      new CircuitBreaker(async (x) => x, { timeout: 5000 }),
      new CircuitBreaker(async (x) => x, { timeout: false }),
      new CircuitBreaker(async (x) => { if (x % 2) throw new Error('no'); }, { errorThresholdPercentage: 100 }),
      new CircuitBreaker(async (x) => x, { capacity: 5, autoRenewAbortController: true, coalesce: true, coalesceTTL: 1, coalesceSize: 10 }),
    ];
    const round = async () => {
      for (let i = 0; i < 25_000; i++) for (const each of kinds) await each.fire(i).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (let i = 0; i < 3; i++) { gc(); await new Promise(setImmediate); }
      return process.memoryUsage();
    };
    (async () => {
      await round();
      const before = await round();
      const after = await round();
      console.log((after.heapUsed - before.heapUsed) / 1024, (after.rss - before.rss) / 1024 / 1024);
    })();`, { flags: ['--expose-gc'] });
  const [heapKiB, rssMiB] = text.split(' ').map(Number);
  assert.ok(heapKiB < 300, `heap grew by ${heapKiB} KiB over 100,000 calls`);
  assert.ok(rssMiB < 12, `resident memory grew by ${rssMiB} MiB over 100,000 calls`);
});

test('breakers that are dropped are collected, core\'s part too', { skip }, () => {
  const text = output(`
    const make = (count) => { for (let i = 0; i < count; i++) new CircuitBreaker(async () => i, { enableSnapshots: false }).fire(); };
    const settle = async () => { for (let i = 0; i < 6; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)); } };
    (async () => {
      make(2000); await settle();
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 5; i++) { make(2000); await settle(); }
      console.log((process.memoryUsage().rss - before) / 1024 / 1024);
    })();`, { flags: ['--expose-gc'] });
  assert.ok(Number(text) < 40, `${text} MiB for 10,000 breakers that are gone`);
});

test('a process ends when its own work does', () => {
  for (const [what, program] of Object.entries({
    'a breaker alone': 'new CircuitBreaker(async () => 1)',
    'after a call': 'new CircuitBreaker(async () => 1).fire()',
    'after calls with a long deadline': 'for (let i = 0; i < 5; i++) new CircuitBreaker(async () => 1, { timeout: 60000 }).fire()',
    'an open circuit': 'new CircuitBreaker(async () => { throw 1 }, { resetTimeout: 60000 }).fire().catch(() => {})',
    'warming up': 'new CircuitBreaker(async () => 1, { allowWarmUp: true })',
    'health checks': 'new CircuitBreaker(async () => 1).healthCheck(async () => 1, 1000)',
    'a registry': 'new CircuitBreaker(async () => 1).registry().of("a").fire()',
    ...(portable ? {} : { pages: 'CircuitBreaker.servePages(); new CircuitBreaker(async () => 1).fire()' }),
  })) {
    const began = performance.now();
    output(program);
    assert.ok(performance.now() - began < 5000, what);
  }
});

test('a call under way with a deadline keeps the process alive until it is judged, as opossum\'s timer does', () => {
  assert.strictEqual(output(`new CircuitBreaker(() => new Promise(() => {}), { timeout: 100 }).fire().catch((error) => console.log(error.code));`), 'ETIMEDOUT');
});

test('each worker thread has its own breakers; one that is terminated in mid-call takes nothing with it', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const CircuitBreaker = require(${JSON.stringify(here)});
    const breaker = new CircuitBreaker((x) => new Promise((resolve) => x === 'hang' || resolve(x)), { timeout: 10000 });
    breaker.open();
    breaker.close();
    breaker.fire(1).then(() => { for (let i = 0; i < 100; i++) breaker.fire('hang'); parentPort.postMessage(breaker.explain().totals); });`;
  const mine = new CircuitBreaker(async (x) => x);
  for (let round = 0; round < 6; round++) {
    const workers = Array.from({ length: 2 }, () => new Worker(source, { eval: true }));
    const totals = await Promise.all(workers.map((each) => new Promise((resolve, reject) => {
      each.once('message', resolve);
      each.once('error', reject);
    })));
    for (const each of totals) assert.strictEqual(each.success, 1);
    await Promise.all(workers.map((each) => each.terminate()));
    assert.strictEqual(await mine.fire(round), round);
  }
});

test('a worker that serves pages is terminated, thread and all', { skip }, async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const CircuitBreaker = require(${JSON.stringify(here)});
    parentPort.postMessage(CircuitBreaker.servePages().url);
    for (;;) ;`; // its loop never turns again
  const worker = new Worker(source, { eval: true });
  const url = await new Promise((resolve) => worker.once('message', resolve));
  assert.match(await (await fetch(`${url}/health`)).text(), /"status":/);
  await worker.terminate();
  await assert.rejects(fetch(`${url}/health`));
});

test('both module systems give the same class', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `
    import Default, { CircuitBreaker, shed, servePages } from 'quoll';
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('quoll');
    console.log(Default === required, CircuitBreaker === required, shed === required.shed, servePages === required.servePages);
    console.log(await new Default(async (x) => x).fire(5));`], { cwd: here, encoding: 'utf8' });
  assert.strictEqual(status, 0, stderr);
  assert.strictEqual(stdout.trim(), 'true true true true\n5');
});

test('without the native part it loads, says so once, and waits one turn of the loop before a verdict', () => {
  const { status, stdout, stderr } = run(`
    const breaker = new CircuitBreaker((x) => new Promise((resolve, reject) => setTimeout(x < 0 ? reject : resolve, 5, x)), { timeout: 100, resetTimeout: 40 });
    const other = new CircuitBreaker(async () => 1);
    (async () => {
      console.log(await breaker.fire(1), await other.fire());
      const inTime = breaker.fire(2);
      setImmediate(() => { const until = Date.now() + 250; while (Date.now() < until); });
      console.log(await inTime);
      const late = new CircuitBreaker(() => new Promise(() => {}), { timeout: 30 });
      console.log(await late.fire().catch((error) => error.code), late.opened);
      for (let i = 0; i < 6; i++) await breaker.fire(-1).catch(() => {});
      console.log(breaker.opened, breaker.explain().portable);
      setTimeout(async () => console.log(breaker.halfOpen, await breaker.fire(3), breaker.closed), 80);
      try { new CircuitBreaker(async () => 1, { ramp: 5 }); } catch (error) { console.log(error.code); }
      try { CircuitBreaker.servePages(); } catch (error) { console.log(error.code); }
      CircuitBreaker.shed()({}, {}, () => console.log('let in'));
    })();`, { env: { QUOLL_PORTABLE: 'warn' } });
  assert.strictEqual(status, 0, stderr);
  assert.deepStrictEqual(stdout.trim().split('\n'), ['1 1', '2', 'ETIMEDOUT true', 'true true', 'ERR_QUOLL_PORTABLE', 'ERR_QUOLL_PORTABLE',
    'let in', 'true 3 true']);
  assert.strictEqual(stderr.match(/Warning: quoll/g)?.length, 1, stderr);
});

test('the declarations hold, for programs typed for opossum and for more', (t) => {
  let compiler;
  try {
    compiler = require.resolve('typescript/bin/tsc');
  } catch {
    t.skip('typescript is not installed');
    return;
  }
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', path.join(__dirname, 'types')], { encoding: 'utf8' });
  assert.strictEqual(status, 0, stdout);
});
