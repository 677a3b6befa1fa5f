// How often a caller is told the wrong thing, with ground truth: node bench/verdict.js [SECONDS] [LOW HIGH DEADLINE]
//
// A backend in a process of its own answers after LOW to HIGH ms and says how long it took, from when it read the request.
// This loop is blocked for 600 ms each 1 to 2 s, in a socket's callback. 50 calls are under way at a time. A call is late if
// that was more than DEADLINE, in time if its answer left within DEADLINE of fire(); what is neither, or within a tick of the kernel of it, is not judged.
'use strict';
const { spawn } = require('node:child_process');
const http = require('node:http');
const net = require('node:net');
const Quoll = require('..');

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const [, , seconds = '20', low = '100', high = '300', deadline = '500'] = process.argv;
const TICK = 4; // ms
const CONCURRENT = 50;

if (process.argv[2] === 'backend') backend(Number(process.argv[3]), Number(process.argv[4]));
else main();

function backend(from, to) {
  const server = http.createServer((request, response) => {
    const received = nowMs();
    setTimeout(() => {
      const sent = nowMs();
      response.writeHead(200, { 'x-sent': String(sent), 'x-took': String(sent - received), 'content-length': 6 });
      response.end('answer');
    }, from + Math.random() * (to - from));
  }).listen(0, '127.0.0.1');
  // A line each 1 to 2 s: what blocks the other loop comes from a socket.
  const beats = net.createServer((socket) => {
    const beat = () => { socket.write('beat'); setTimeout(beat, 1000 + Math.random() * 1000); };
    beat();
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1', () => console.log(server.address().port, beats.address().port));
}

const agent = new http.Agent({ keepAlive: true });
const clients = {
  http: (port) => new Promise((resolve, reject) => {
    http.get({ port, host: '127.0.0.1', agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers));
    }).on('error', reject);
  }),
  fetch: async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    await response.text();
    return Object.fromEntries(response.headers);
  },
};

async function measure(Class, ask, port) {
  const counts = { calls: 0, false: 0, missed: 0, close: 0, rescued: 0, inconclusive: 0, timeouts: 0 };
  // The truth is wanted of a timed-out call as well.
  const breaker = new Class(async (call) => {
    call.truth = ask(port);
    return call.truth;
  }, { timeout: Number(deadline), errorThresholdPercentage: 100 });
  for (const event of ['rescued', 'inconclusive']) breaker.on(event, () => { counts[event]++; });
  const until = nowMs() + Number(seconds) * 1000;
  const one = async () => {
    const call = { fired: nowMs() };
    const outcome = await breaker.fire(call).then(() => 'good', (error) => error.code);
    const { 'x-sent': sent, 'x-took': took } = await call.truth;
    counts.calls++;
    if (outcome === 'ETIMEDOUT') counts.timeouts++;
    const late = Number(took) > Number(deadline) + TICK;
    const inTime = Number(sent) - call.fired < Number(deadline) - TICK;
    if (!late && !inTime) counts.close++;
    else if (outcome === 'ETIMEDOUT' && inTime) counts.false++;
    else if (outcome === 'good' && late) counts.missed++;
  };
  await Promise.all(Array.from({ length: CONCURRENT }, async () => { while (nowMs() < until) await one(); }));
  breaker.shutdown();
  return counts;
}

async function main() {
  const child = spawn(process.execPath, [__filename, 'backend', low, high], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port, beats] = (await new Promise((resolve) => child.stdout.once('data', resolve))).toString().split(' ').map(Number);
  const beat = net.connect(beats, '127.0.0.1').on('data', () => {
    const until = nowMs() + 600;
    while (nowMs() < until);
  });
  const callers = { quoll: Quoll };
  try {
    callers.opossum = require('opossum');
  } catch {
    // Alone then.
  }
  console.log(`${process.version}, ${low} to ${high} ms against ${deadline} ms, ${seconds} s each; loop blocked 600 ms each 1 to 2 s`);
  for (const [name, Class] of Object.entries(callers)) {
    for (const [client, ask] of Object.entries(clients)) {
      const { calls, false: wrong, missed, timeouts, rescued, inconclusive, close } = await measure(Class, ask, port);
      console.log(`${name.padEnd(8)} ${client.padEnd(6)} ${calls} calls: ${wrong} called late though in time, ${missed} in time though late; `
        + `${timeouts} timeouts, ${rescued} rescued, ${inconclusive} inconclusive, ${close} too close to judge`);
    }
  }
  beat.destroy();
  child.kill();
  agent.destroy();
}
