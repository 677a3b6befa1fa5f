// The demo: a healthy backend, a breaker, and an event loop that is blocked for 600 ms each second.
//
//   node examples/blocked-loop.js [SECONDS]
//
// The backend answers within 200 ms, always; the deadline is 250 ms. So each timeout is a lie, and each opening is one on a
// healthy backend. Both breakers stand in one server, on one loop; express and opossum are used where they are installed.
'use strict';
const http = require('node:http');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const optional = (name) => {
  try {
    return require(name);
  } catch {
    return undefined;
  }
};

if (!isMainThread) {
  if (workerData.what === 'backend') backend();
  else clients(workerData.port, workerData.routes, workerData.seconds);
} else {
  main(Number(process.argv[2]) || 10);
}

/** 40 to 200 ms an answer, on a thread of its own. */
function backend() {
  const server = http.createServer((request, response) => {
    setTimeout(() => response.end('an answer'), 40 + Math.random() * 160);
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

/** Asks each route 20 times a second, and counts the status codes. */
async function clients(port, routes, seconds) {
  const seen = Object.fromEntries(routes.map((each) => [each, {}]));
  const asked = [];
  for (let i = 0; i < seconds * 20; i++) {
    for (const route of routes) {
      asked.push(fetch(`http://127.0.0.1:${port}/${route}`).then(async (response) => {
        await response.text();
        seen[route][response.status] = (seen[route][response.status] ?? 0) + 1;
      }));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(asked);
  parentPort.postMessage(seen);
}

async function main(seconds) {
  const message = (worker) => new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const upstream = new Worker(__filename, { workerData: { what: 'backend' } });
  const url = `http://127.0.0.1:${await message(upstream)}/`;
  const ask = async () => (await fetch(url)).text();

  const settings = { timeout: 250, errorThresholdPercentage: 50, resetTimeout: 1000, volumeThreshold: 10, rollingCountTimeout: 2000 };
  const breakers = {};
  const opened = {};
  for (const name of ['opossum', 'quoll']) {
    const CircuitBreaker = name === 'quoll' ? require('quoll') : optional(name); // the one line
    if (CircuitBreaker === undefined) continue;
    breakers[name] = new CircuitBreaker(ask, { ...settings, name });
    opened[name] = 0;
    breakers[name].on('open', () => { opened[name]++; });
  }
  const answer = (name, send) => breakers[name].fire().then((text) => send(200, text),
    (error) => send(error.code === 'ETIMEDOUT' ? 504 : error.code === 'EOPENBREAKER' ? 503 : 502, error.message));

  const express = optional('express');
  let handler;
  if (express) {
    handler = express();
    handler.get('/:name', (request, response) => answer(request.params.name, (status, text) => response.status(status).send(text)));
  } else {
    handler = (request, response) => answer(request.url.slice(1), (status, text) => response.writeHead(status).end(text));
  }
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { servePages } = require('quoll');
  try {
    console.log(`live page: ${servePages().url}/dashboard (it answers while the loop is blocked)`);
  } catch (error) {
    console.log(error.message);
  }

  // Work that should not be on an event loop, after it has polled: what is due by then runs before what has come.
  const blocking = setInterval(() => setImmediate(() => {
    const until = performance.now() + 600;
    while (performance.now() < until);
  }), 1000);
  const load = new Worker(__filename, { workerData: { what: 'clients', port: server.address().port, routes: Object.keys(breakers), seconds } });
  const seen = await message(load);
  clearInterval(blocking);

  console.log(`\n${'breaker'.padEnd(10)}${'calls'.padStart(8)}${'good'.padStart(8)}${'timeouts'.padStart(10)}${'refused'.padStart(9)}${'openings'.padStart(10)}${'rescued'.padStart(9)}`);
  for (const [name, counts] of Object.entries(seen)) {
    const calls = Object.values(counts).reduce((sum, each) => sum + each, 0);
    const rescued = breakers[name].explain?.().totals.rescued ?? '';
    console.log(`${name.padEnd(10)}${String(calls).padStart(8)}${String(counts[200] ?? 0).padStart(8)}${String(counts[504] ?? 0).padStart(10)}`
      + `${String(counts[503] ?? 0).padStart(9)}${String(opened[name]).padStart(10)}${String(rescued ?? '').padStart(9)}`);
  }
  console.log('\nThe backend was healthy throughout: each timeout above is an answer that had come in time.');
  server.close();
  server.closeAllConnections();
  await upstream.terminate();
}
