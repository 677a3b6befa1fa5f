// shed(): what comes beyond what can be served is refused, the unimportant first, by the time it really waited.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const http = require('node:http');
const { Worker } = require('node:worker_threads');
const path = require('node:path');
const CircuitBreaker = require('..');
const { portable } = require('../lib/native');
const { block } = require('./support/backend');

const skip = portable && 'no native part here';
const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
test.after(() => agent.destroy());

const get = (port, target = '/') => new Promise((resolve, reject) => {
  http.get({ port, host: '127.0.0.1', path: target, agent }, (response) => {
    let body = '';
    response.on('data', (chunk) => { body += chunk; });
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
  }).on('error', reject);
});

// Asks from a thread of its own, in the middle of a stall of this loop. [status, retry-after, body]
async function askInStall(port) {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads');
    setTimeout(() => require('node:http').get({ port: ${port}, host: '127.0.0.1' }, (response) => {
      let body = '';
      response.on('data', (chunk) => { body += chunk; });
      response.on('end', () => parentPort.postMessage([response.statusCode, response.headers['retry-after'], body]));
    }), 200);`, { eval: true });
  const told = new Promise((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => worker.once('online', resolve));
  block(1000);
  return told;
}

// A server on a thread of its own that can do 200 requests a second.
const busyServer = () => {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads');
    const { shed } = require(${JSON.stringify(path.join(__dirname, '..'))});
    const guard = shed({ priority: (request) => (request.url === '/pay' ? 0 : 3), client: null });
    const server = require('node:http').createServer(guard.wrap((request, response) => {
      const until = performance.now() + 5;
      while (performance.now() < until);
      response.end('done');
    }));
    parentPort.on('message', () => parentPort.postMessage(guard.report()));
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`, { eval: true });
  return { worker, message: () => new Promise((resolve) => worker.once('message', resolve)) };
};

test('asked for several times what it can do, it refuses the unimportant and serves the important', { skip }, async () => {
  const { worker, message } = busyServer();
  const port = await message();
  const counts = { '/pay': { 200: 0, 503: 0 }, '/look': { 200: 0, 503: 0 } };
  const until = performance.now() + 3000;
  const ask = async (target, rest) => {
    while (performance.now() < until) {
      const { status, headers } = await get(port, target);
      counts[target][status]++;
      if (status === 503) {
        assert.strictEqual(headers['retry-after'], '1');
        assert.match(headers['proxy-status'], /^quoll; /);
      }
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  };
  await Promise.all([...Array.from({ length: 60 }, () => ask('/look', 5)), ...Array.from({ length: 4 }, () => ask('/pay', 40))]);
  worker.postMessage('report');
  const report = await message();
  await worker.terminate();
  const share = ({ 200: good, 503: bad }) => good / (good + bad);
  assert.ok(counts['/look'][503] > 100, JSON.stringify(counts));
  assert.ok(share(counts['/pay']) > 0.7, JSON.stringify(counts));
  assert.ok(share(counts['/pay']) > 2 * share(counts['/look']), JSON.stringify(counts));
  assert.deepStrictEqual([report.admitted, report.overload + report.tooOld],
    [counts['/pay'][200] + counts['/look'][200], counts['/pay'][503] + counts['/look'][503]]);
});

test('with little to do it refuses nothing, and a short stall is no overload', { skip }, async () => {
  const guard = CircuitBreaker.shed();
  const server = http.createServer(guard.wrap((request, response) => response.end('done')));
  const port = await listening(server);
  for (let i = 0; i < 30; i++) {
    const answers = [get(port), get(port)];
    if (i % 10 === 0) block(60);
    for (const { status } of await Promise.all(answers)) assert.strictEqual(status, 200);
  }
  assert.deepStrictEqual([guard.report().admitted, guard.report().overload], [60, 0]);
  server.close();
});

test('a request that waited longer than anybody waits for an answer is refused', { skip }, async () => {
  const guard = CircuitBreaker.shed({ target: 2, interval: 20, maxDelay: 100 });
  const server = http.createServer(guard.wrap((request, response) => response.end('done')));
  const port = await listening(server);
  assert.strictEqual((await get(port)).status, 200);
  assert.deepStrictEqual(await askInStall(port), [503, '1', 'overloaded\n']);
  assert.strictEqual(guard.report().tooOld, 1);
  server.close();
  server.closeAllConnections();
});

for (const framework of ['express', 'fastify']) {
  test(`it is a middleware for ${framework}`, { skip }, async (t) => {
    let make;
    try {
      make = require(framework);
    } catch {
      t.skip(`${framework} is not installed`);
      return;
    }
    let refuse = false;
    const guard = CircuitBreaker.shed({ target: 1, interval: 4, maxDelay: 4, skip: () => !refuse, retryAfter: 7 });
    const app = make();
    let port;
    let close;
    if (framework === 'express') {
      app.use(guard);
      app.get('/', (request, response) => response.send('done'));
      const server = http.createServer(app);
      port = await listening(server);
      close = () => { server.close(); server.closeAllConnections(); };
    } else {
      app.addHook('onRequest', guard.fastify);
      app.get('/', async () => 'done');
      await app.listen({ port: 0, host: '127.0.0.1' });
      port = app.server.address().port;
      close = () => { app.server.closeAllConnections(); return app.close(); };
    }
    const good = await get(port);
    assert.deepStrictEqual([good.status, good.body], [200, 'done']);
    refuse = true;
    assert.deepStrictEqual(await askInStall(port), [503, '7', 'overloaded\n']);
    assert.strictEqual(guard.report().tooOld, 1);
    await close();
  });
}

test('wrong options are errors with their names', { skip }, () => {
  for (const [name, value] of Object.entries({ priority: 1, client: 'x', skip: true, retryAfter: 'soon', target: 'x', maxDelay: {} })) {
    assert.throws(() => CircuitBreaker.shed({ [name]: value }), (error) => error instanceof TypeError && error.message.includes(name), name);
  }
  assert.throws(() => CircuitBreaker.shed({ priorities: 99 }), { name: 'RangeError' });
});
