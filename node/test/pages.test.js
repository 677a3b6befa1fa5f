// The pages answer while the loop stands still, and say since when.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { Worker } = require('node:worker_threads');
const CircuitBreaker = require('..');
const { portable } = require('../lib/native');
const { block } = require('./support/backend');

const skip = portable && 'no native part here';
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

let pages;
test.before(() => {
  if (!skip) pages = CircuitBreaker.servePages();
});
test.after(() => pages?.close());

const get = async (path) => {
  const response = await fetch(pages.url + path);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

// Asks from a thread of its own, each 20 ms, and keeps how long each answer took.
const asker = (url) => new Worker(`
  const { parentPort, workerData } = require('node:worker_threads');
  const seen = [];
  let over = false;
  parentPort.on('message', () => { over = true; });
  (async () => {
    await (await fetch(workerData)).text();
    parentPort.postMessage('ready');
    while (!over) {
      const began = performance.now();
      const answer = JSON.parse(await (await fetch(workerData)).text());
      seen.push({ took: performance.now() - began, ...answer });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    parentPort.postMessage(seen);
    parentPort.close();
  })();`, { eval: true, workerData: url });

test('health answers within 50 ms while the loop is blocked for seconds, and says since when', { skip }, async () => {
  const worker = asker(`${pages.url}/health`);
  const message = () => new Promise((resolve) => worker.once('message', resolve));
  await message();
  await sleep(60);
  const since = Date.now();
  block(2000);
  worker.postMessage('over');
  const seen = await message();
  const blocked = seen.filter((each) => each.status === 'blocked');
  assert.ok(blocked.length > 20, `${blocked.length} answers in two seconds`);
  const slow = blocked.filter((each) => each.took > 50);
  assert.ok(slow.length <= blocked.length / 20, `${slow.length} of ${blocked.length} took longer than 50 ms`);
  assert.ok(blocked.at(-1).blocked_ms > 1000);
  for (const each of blocked) assert.ok(Math.abs(Date.parse(each.blocked_since) - since) < 150, each.blocked_since);
  await sleep(60);
  assert.strictEqual(JSON.parse((await get('/health')).text).status, 'ok');
});

test('metrics are Prometheus\' text, agree with the calls, and have the loop\'s delay as a histogram', { skip }, async () => {
  const breaker = new CircuitBreaker(async (x) => { if (x < 0) throw new Error('no'); }, { name: 'with "quotes"', errorThresholdPercentage: 40, volumeThreshold: 5 });
  breaker.fallback(() => 'fallback');
  for (const x of [1, 1, -1, 1, -1, -1, 1]) await breaker.fire(x);
  block(60);
  await sleep(60);
  const { type, text } = await get('/metrics');
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  const value = (line) => Number(text.split('\n').find((each) => each.startsWith(`${line} `))?.slice(line.length));
  const label = 'circuit="with \\"quotes\\""';
  assert.strictEqual(value(`quoll_circuit_state{${label}}`), 1);
  for (const [event, count] of Object.entries({ fire: 7, success: 3, failure: 3, reject: 1, fallback: 4, open: 1 })) {
    assert.strictEqual(value(`quoll_circuit_events_total{${label},event="${event}"}`), count, event);
  }
  assert.strictEqual(value(`quoll_attempts_total{${label},outcome="timeout"}`), 0);
  assert.ok(value('quoll_loop_lag_seconds_count') > 0);
  assert.ok(value('quoll_loop_lag_seconds_bucket{le="+Inf"}') === value('quoll_loop_lag_seconds_count'));
  assert.ok(value('quoll_loop_lag_seconds_count') - value('quoll_loop_lag_seconds_bucket{le="0.025"}') >= 1, 'the 60 ms are there');
  assert.ok(value('process_resident_memory_bytes') > 1e6);
  const names = new Set();
  for (const line of text.trim().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [-+0-9.eInf]+)$/);
    if (line.startsWith('# TYPE')) {
      const name = line.split(' ')[2];
      assert.ok(!names.has(name), `${name} is typed twice`);
      names.add(name);
    }
  }
});

test('a circuit that is gone leaves the pages', { skip: skip || (!globalThis.gc && 'needs --expose-gc') }, async () => {
  new CircuitBreaker(async () => 1, { name: 'short-lived', enableSnapshots: false });
  assert.match((await get('/metrics')).text, /short-lived/);
  for (let i = 0; i < 20 && /short-lived/.test((await get('/metrics')).text); i++) {
    globalThis.gc();
    await sleep(20);
  }
  assert.doesNotMatch((await get('/metrics')).text, /short-lived/);
});

test('status is the live page\'s JSON, and the page is there', { skip }, async () => {
  const breaker = new CircuitBreaker(async () => { throw new Error('down'); }, { name: 'down' });
  await breaker.fire().catch(() => {});
  const status = JSON.parse((await get('/status')).text);
  const circuit = status.circuits.find((each) => each.name === 'down');
  assert.deepStrictEqual([circuit.state, circuit.failure, circuit.transitions.length], ['open', 1, 1]);
  assert.ok(Math.abs(Date.parse(circuit.transitions[0].at) - Date.now()) < 5000);
  for (const path of ['/', '/dashboard']) assert.match((await get(path)).text, /<!doctype html>/);
  assert.strictEqual((await get('/nothing')).status, 404);
  assert.strictEqual((await fetch(pages.url, { method: 'POST' })).status, 405);
});

test('one server a thread; closed, it can be served anew', { skip }, async () => {
  assert.strictEqual(CircuitBreaker.servePages({ port: 1 }), pages);
  const { url } = pages;
  pages.close();
  pages.close();
  await assert.rejects(fetch(`${url}/health`));
  pages = CircuitBreaker.servePages();
  assert.strictEqual((await get('/health')).status, 200);
  assert.throws(() => { pages.close(); CircuitBreaker.servePages({ host: 'nowhere' }); }, /IPv4/);
  pages = CircuitBreaker.servePages();
});

test('visitors that say nothing, or too much, do not hold it up', { skip }, async () => {
  const net = require('node:net');
  const sockets = Array.from({ length: 80 }, () => net.connect(pages.port, '127.0.0.1').on('error', () => {}));
  sockets.slice(0, 10).forEach((each) => each.write('GET /health'));
  sockets.slice(10, 20).forEach((each) => each.write('x'.repeat(10_000)));
  await sleep(100);
  sockets.slice(20).forEach((each) => each.destroy());
  await sleep(50);
  assert.strictEqual((await get('/health')).status, 200);
  sockets.forEach((each) => each.destroy());
});
