// A backend on a thread of its own, so that it answers while the test's loop stands still.
//
// GET /?wait=MS[&body=MS][&status=N]: the head after `wait`, the body `body` later; x-sent is when the answer left, on the
// clock that both threads share. /hang never answers.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

function serve() {
  const handler = (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://backend');
    request.resume();
    if (pathname === '/hang') return;
    setTimeout(() => {
      const sent = String(nowMs());
      response.writeHead(Number(searchParams.get('status') ?? 200), { 'x-sent': sent });
      const body = Number(searchParams.get('body') ?? 0);
      if (body === 0) {
        response.end('answer');
      } else {
        response.write('ans');
        setTimeout(() => response.end('wer'), body);
      }
    }, Number(searchParams.get('wait') ?? 0));
  };
  const server = workerData.tls ? require('node:https').createServer(workerData.tls, handler)
    : require('node:http').createServer(handler);
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

/** A self-signed certificate, or undefined where there is no openssl. */
function certificate() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quoll-'));
  try {
    const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')];
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-days', '2']);
    if (made.status !== 0) return undefined;
    return { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** { port, url, close() } */
function start({ tls } = {}) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { tls } });
    worker.once('error', reject);
    worker.once('message', (port) => {
      worker.unref();
      resolve({ port, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, close: () => worker.terminate() });
    });
  });
}

/** The loop stands still. */
function block(millis) {
  const until = performance.now() + millis;
  while (performance.now() < until);
}

/**
 * The loop stands still, in ten milliseconds, in one of its phases: after `check` its expired timers run before it polls,
 * after `timers` it polls first.
 */
function stall(millis, phase = 'check') {
  return new Promise((resolve) => {
    const stand = () => {
      block(millis);
      resolve();
    };
    setTimeout(() => (phase === 'check' ? setImmediate(stand) : stand()), 10);
  });
}

if (!isMainThread && workerData && 'tls' in workerData) serve();

module.exports = { start, certificate, block, stall, nowMs };
