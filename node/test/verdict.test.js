// The reason for this package: a blocked loop makes no timeouts of answers that came in time, and hides none that did not.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const http = require('node:http');
const https = require('node:https');
const { start, certificate, stall } = require('./support/backend');
const CircuitBreaker = require('..');
const { portable } = require('../lib/native');

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const skip = portable && 'no native part here';

const tls = certificate();
let plain;
let secure;
test.before(async () => {
  plain = await start();
  secure = tls && await start({ tls });
});
test.after(async () => {
  await plain.close();
  await secure?.close();
});

const agents = [new http.Agent({ keepAlive: true }), new https.Agent({ keepAlive: true, rejectUnauthorized: false })];
test.after(() => agents.forEach((each) => each.destroy()));

const viaHttp = (module, agent, url) => new Promise((resolve, reject) => {
  module.get(url, { agent }, (response) => {
    response.resume();
    response.on('end', () => resolve(response.statusCode));
    response.on('error', reject);
  }).on('error', reject);
});

const clients = {
  fetch: { secure: false, ask: async (url) => { const response = await fetch(url); await response.text(); return response.status; } },
  http: { secure: false, ask: (url) => viaHttp(http, agents[0], url) },
  'http without keep-alive': { secure: false, ask: (url) => viaHttp(http, new http.Agent({ keepAlive: false }), url) },
  https: { secure: true, ask: (url) => viaHttp(https, agents[1], url) },
};
try {
  const { request } = require('undici');
  clients.undici = { secure: false, ask: async (url) => { const { statusCode, body } = await request(url); await body.text(); return statusCode; } };
} catch {
  // Left out.
}

function breakerOf(client, options) {
  const breaker = new CircuitBreaker(client.ask, { timeout: 250, errorThresholdPercentage: 100, ...options });
  breaker.seen = { success: 0, rescued: 0, inconclusive: 0, timeout: 0, failure: 0 };
  for (const event of Object.keys(breaker.seen)) breaker.on(event, () => breaker.seen[event]++);
  return breaker;
}

// Two warm-up calls open the connections, so that the requests are under way when the loop stops.
async function warm(breaker, url, connections) {
  await Promise.all(Array.from({ length: connections }, () => breaker.fire(url)));
  await sleep(20);
  for (const event of Object.keys(breaker.seen)) breaker.seen[event] = 0;
}

for (const [name, client] of Object.entries(clients)) {
  const none = skip || (client.secure && tls === undefined && 'no openssl here');
  const url = () => (client.secure ? secure : plain).url;

  for (const phase of ['check', 'timers']) test(`${name}: an answer in time is no timeout, though the loop slept through its deadline (${phase})`, { skip: none }, async () => {
    const breaker = breakerOf(client);
    await warm(breaker, `${url()}/`, 3);
    const answers = [20, 60, 120].map((wait) => breaker.fire(`${url()}/?wait=${wait}`));
    await stall(500, phase);
    assert.deepStrictEqual(await Promise.all(answers), [200, 200, 200]);
    assert.deepStrictEqual(breaker.seen, { success: 3, rescued: 3, inconclusive: 0, timeout: 0, failure: 0 });
    assert.strictEqual(breaker.explain().totals.rescued, 3);
    assert.strictEqual(breaker.explain().totals.timeout, 0);
  });

  for (const phase of ['check', 'timers']) test(`${name}: an answer that came too late is a timeout, though it lay there when the timer fired (${phase})`, { skip: none }, async () => {
    const breaker = breakerOf(client);
    await warm(breaker, `${url()}/`, 2);
    const answers = [380, 420].map((wait) => breaker.fire(`${url()}/?wait=${wait}`).catch((error) => error.code));
    await stall(650, phase);
    assert.deepStrictEqual(await Promise.all(answers), ['ETIMEDOUT', 'ETIMEDOUT']);
    assert.strictEqual(breaker.seen.timeout, 2);
    assert.strictEqual(breaker.explain().totals.timeout, 2);
  });

  test(`${name}: a backend that hangs is timed out and opens the circuit, a blocked loop or not`, { skip: none }, async () => {
    const breaker = breakerOf(client, { errorThresholdPercentage: 50, timeout: 100 });
    const codes = [];
    for (const millis of [0, 300]) {
      const call = breaker.fire(`${url()}/hang`).catch((error) => codes.push(error.code));
      await stall(millis);
      await call;
      assert.ok(breaker.opened);
      breaker.close();
    }
    assert.deepStrictEqual(codes, ['ETIMEDOUT', 'ETIMEDOUT']);
  });

  test(`${name}: without a stall a timeout comes when it should`, { skip: none }, async () => {
    const breaker = breakerOf(client, { timeout: 100 });
    await warm(breaker, `${url()}/`, 1);
    const began = performance.now();
    await assert.rejects(breaker.fire(`${url()}/?wait=400`), { code: 'ETIMEDOUT', message: 'Timed out after 100ms' });
    const took = performance.now() - began;
    assert.ok(took >= 99 && took < 300, `${took} ms`);
  });

  test(`${name}: the deadline counts from when the request left`, { skip: none }, async () => {
    const patient = breakerOf({ ask: async (to) => { await sleep(400); return client.ask(to); } }, { timeout: 500 });
    await warm(patient, `${url()}/`, 1);
    assert.strictEqual(await patient.fire(`${url()}/?wait=250`), 200); // 650 ms after fire(), 250 after it left
    assert.strictEqual(patient.seen.timeout, 0);
  });
}

test('a body that ends too late is judged by its end', { skip }, async () => {
  const breaker = breakerOf(clients.fetch);
  await warm(breaker, `${plain.url}/`, 1);
  const answer = breaker.fire(`${plain.url}/?wait=20&body=400`).catch((error) => error.code);
  await sleep(60);
  assert.strictEqual(await answer, 'ETIMEDOUT');
});

for (const phase of ['check', 'timers']) test(`bytes from before and after the deadline cannot be told apart: inconclusive, held against nobody (${phase})`, { skip }, async () => {
  const breaker = breakerOf(clients.http, { errorThresholdPercentage: 1 });
  await warm(breaker, `${plain.url}/`, 1);
  const answer = breaker.fire(`${plain.url}/?wait=50&body=350`);
  await stall(600, phase);
  assert.strictEqual(await answer, 200);
  assert.deepStrictEqual(breaker.seen, { success: 1, rescued: 0, inconclusive: 1, timeout: 0, failure: 0 });
  assert.ok(breaker.closed);
  assert.strictEqual(breaker.explain().totals.inconclusive, 1);
});

test('of several requests the one under way at the deadline decides', { skip }, async () => {
  const twice = async (first, second) => {
    await clients.fetch.ask(first);
    return clients.fetch.ask(second);
  };
  const breaker = breakerOf({ ask: twice });
  await Promise.all([breaker.fire(`${plain.url}/`, `${plain.url}/`)]);
  const hanging = breaker.fire(`${plain.url}/?wait=20`, `${plain.url}/?wait=800`).catch((error) => error.code);
  await sleep(90);
  await stall(300);
  assert.strictEqual(await hanging, 'ETIMEDOUT');
});

test('what cannot be seen gets as much time as the loop stood still, and is never a timeout of our own making', { skip }, async () => {
  const breaker = breakerOf({ ask: async () => { await sleep(100); return 'done'; } });
  const answer = breaker.fire();
  await stall(500);
  assert.strictEqual(await answer, 'done');
  assert.strictEqual(breaker.seen.timeout, 0);
  assert.strictEqual(breaker.seen.success, 1);
});

test('what cannot be seen and hangs is a timeout, a stall later at most', { skip }, async () => {
  const breaker = breakerOf({ ask: () => new Promise(() => {}) }, { timeout: 100 });
  const began = performance.now();
  const answer = breaker.fire().catch((error) => error.code);
  await stall(300);
  assert.strictEqual(await answer, 'ETIMEDOUT');
  assert.ok(performance.now() - began < 900);
});

test('an error that came in time stays that error', { skip }, async () => {
  const breaker = breakerOf({ ask: async (url) => { const status = await clients.fetch.ask(url); if (status >= 500) throw new Error(`status ${status}`); } });
  await breaker.fire(`${plain.url}/`);
  const answer = breaker.fire(`${plain.url}/?wait=50&status=503`).catch((error) => error.message);
  await stall(500);
  assert.strictEqual(await answer, 'status 503');
  assert.strictEqual(breaker.explain().totals.failure, 1);
});

test('opossum times out the same answers', { skip }, async (t) => {
  let Opossum;
  try {
    Opossum = require('opossum');
  } catch {
    t.skip('opossum is not installed');
    return;
  }
  const breaker = new Opossum(clients.fetch.ask, { timeout: 250, errorThresholdPercentage: 100 });
  await breaker.fire(`${plain.url}/`);
  const answer = breaker.fire(`${plain.url}/?wait=60`).catch((error) => error.code);
  await stall(500);
  assert.strictEqual(await answer, 'ETIMEDOUT');
  breaker.shutdown();
});

test('an answer of several megabytes that waits is seen to its end', { skip }, async () => {
  const net = require('node:net');
  const { native, slots, AT } = require('../lib/native');
  const size = 3_000_000;
  const server = net.createServer((socket) => socket.end(Buffer.alloc(size)).on('error', () => {})).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const socket = net.connect({ port: server.address().port, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.pause();
  const cookie = native.stampsOn(socket._handle.fd);
  for (let i = 0; i < 20; i++) await sleep(10);
  native.look(socket._handle.fd, cookie, 1);
  assert.ok(slots[AT.bytes] > 1_000_000 || slots[AT.shut] === 1, `${slots[AT.bytes]} bytes`);
  assert.ok(slots[AT.newest] >= 0 && slots[AT.oldest] >= slots[AT.newest]);
  socket.destroy();
  server.close();
});

test('where a request may have left later than it seemed, the kernel says when, and the deadline moves', { skip }, async () => {
  const { refineSent } = require('../lib/requests');
  const { slots, AT } = require('../lib/native');
  const moved = [];
  const request = { sentAt: 1000, leftBy: 1090, calls: { left: (at) => moved.push(at) } };
  slots[AT.sentAgo] = 30;
  refineSent(request, 1100);
  assert.deepStrictEqual([request.sentAt, moved], [1074, [1074]], '30 ms before 1100, a tick towards more time');
  refineSent(request, 1200);
  assert.strictEqual(moved.length, 1, 'once');
  const known = { sentAt: 1000, leftBy: 1001, calls: { left: (at) => moved.push(at) } };
  refineSent(known, 1100);
  assert.strictEqual(known.sentAt, 1000);
  const capped = { sentAt: 1000, leftBy: 1050, calls: { left: () => {} } };
  slots[AT.sentAgo] = 0; // a retransmission, say
  refineSent(capped, 1100);
  assert.strictEqual(capped.sentAt, 1050, 'not after the turn in which it was written');
});
