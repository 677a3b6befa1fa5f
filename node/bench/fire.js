// What fire() of a resolved promise costs, beside opossum: one process, rounds alternating, medians. node bench/fire.js [--json]
'use strict';
const Quoll = require('..');
const Opossum = require('opossum');

const ROUNDS = 21;
const CALLS = 20_000;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

async function nanosOf(fire) {
  const began = process.hrtime.bigint();
  for (let i = 0; i < CALLS; i++) await fire(i);
  return Number(process.hrtime.bigint() - began) / CALLS;
}

async function compare(title, options, action) {
  const breakers = [['opossum', new Opossum(action, { ...options })], ['quoll', new Quoll(action, { ...options })]];
  const rounds = { opossum: [], quoll: [] };
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, breaker] of round % 2 === 0 ? breakers : [...breakers].reverse()) {
      const nanos = await nanosOf((x) => breaker.fire(x));
      if (round >= 0) rounds[name].push(nanos);
    }
  }
  breakers.forEach(([, breaker]) => breaker.shutdown());
  const ratio = median(rounds.opossum.map((each, i) => rounds.quoll[i] / each));
  return { title, opossum: median(rounds.opossum), quoll: median(rounds.quoll), ratio };
}

async function main() {
  const resolved = Promise.resolve(1);
  const rows = [
    await compare('no timeout', { timeout: false }, () => resolved),
    await compare('timeout 10 s', { timeout: 10_000 }, () => resolved),
    await compare('no timeout, async function', { timeout: false }, async (x) => x),
    await compare('timeout 10 s, async function', { timeout: 10_000 }, async (x) => x),
  ];
  // From here on somebody makes requests, so calls with a deadline run in a scope in which theirs are found.
  await fetch('http://127.0.0.1:1/').catch(() => {});
  const scoped = new Quoll(() => fetch('http://127.0.0.1:1/').catch(() => {}), { timeout: 1000 });
  await scoped.fire();
  rows.push(await compare('timeout 10 s, in a process that makes requests', { timeout: 10_000 }, () => resolved));
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ node: process.version, calls: CALLS, rounds: ROUNDS, rows }));
    return;
  }
  console.log(`${process.version}: ${ROUNDS} rounds of ${CALLS} calls, alternating; medians, ns a call`);
  for (const { title, opossum, quoll, ratio } of rows) {
    console.log(`${title.padEnd(48)} opossum ${opossum.toFixed(0).padStart(6)}  quoll ${quoll.toFixed(0).padStart(6)}  ${ratio.toFixed(2)}x`);
  }
}

main();
