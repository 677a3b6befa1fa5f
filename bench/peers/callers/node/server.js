// A caller as people write it: express in front, a breaker around the call, one keep-alive agent to the backend.
//
// usage: node server.js PORT UPSTREAM_PORT TIMEOUT_MS ERROR_THRESHOLD_PERCENT RESET_MS [WINDOW_MS [BREAKER [http|fetch]]]
// BREAKER is the package: opossum, or the folder of quoll's. Nothing else differs.
//
// Answers: the upstream's own; 504 when the breaker timed the call out, 503 when the breaker is open, 502 otherwise.
// GET /circuit-status tells the state and every change of it, with CLOCK_MONOTONIC as at_ns.
// POST /pressure {"block_ms": N} burns CPU on the event loop for N ms, as `quoll pressure loop` asks of any caller.
'use strict';
const http = require('node:http');
const express = require('express');
const [port, upstream, timeout, threshold, reset, window = 10000] = process.argv.slice(2, 8).map(Number);
const [breakerPackage = 'opossum', client = 'http'] = process.argv.slice(8);
const CircuitBreaker = require(breakerPackage.includes('/') ? require('node:path').resolve(breakerPackage) : breakerPackage);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

async function viaFetch(path, id) {
  const answer = await fetch(`http://127.0.0.1:${upstream}${path}`, { headers: { 'X-Request-Id': id } });
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.status >= 500) throw Object.assign(new Error('upstream failed'), { status: answer.status });
  return { status: answer.status, body };
}

function viaHttp(path, id) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: upstream, path, agent, headers: { 'X-Request-Id': id } }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode >= 500) reject(Object.assign(new Error('upstream failed'), { status: answer.statusCode }));
        else resolve({ status: answer.statusCode, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
  });
}

const breaker = new CircuitBreaker(client === 'fetch' ? viaFetch : viaHttp, {
  timeout, errorThresholdPercentage: threshold, resetTimeout: reset, volumeThreshold: 10,
  rollingCountTimeout: window,
});
const transitions = [];
for (const [event, to] of [['open', 'open'], ['halfOpen', 'half_open'], ['close', 'closed']]) {
  breaker.on(event, () => transitions.push({ at_ns: Number(process.hrtime.bigint()), to }));
}

const app = express();
app.disable('x-powered-by');
app.get('/health', (request, response) => response.send('ok'));
app.get('/circuit-status', (request, response) => response.json({
  state: breaker.opened ? 'open' : breaker.halfOpen ? 'half_open' : 'closed', transitions,
}));
app.post('/pressure', express.json(), (request, response) => {
  response.status(202).json({ blocked: 1 });
  setImmediate(() => {
    const end = process.hrtime.bigint() + BigInt(Math.min(Number(request.body.block_ms) || 0, 10000)) * 1000000n;
    while (process.hrtime.bigint() < end) Math.sqrt(Math.random());
  });
});
app.get('/{*any}', (request, response) => {
  breaker.fire(request.originalUrl, request.get('x-request-id') || '').then(
    (answer) => response.status(answer.status).send(answer.body),
    (error) => {
      const status = error.code === 'ETIMEDOUT' ? 504 : error.code === 'EOPENBREAKER' ? 503 : error.status || 502;
      response.status(status).json({ error: error.message });
    });
});
app.listen(port, '127.0.0.1', 16384);
