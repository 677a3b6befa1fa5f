// Whether what Prometheus and Grafana are told to ask for is there: every metric that the dashboards, rules and alerts name
// is one that the binary exports, every expression returns data from a real Prometheus that has watched a real run, and
// every panel has a unit, thresholds and a description.
//
// usage: node check.mjs QUOLL PROMETHEUS      (run by CTest; exit 77 where Prometheus is not installed)

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SKIPPED, Stage, freePort, sleep } from '../../web/test/stage.mjs';

const [quoll, prometheus] = process.argv.slice(2);
const ops = join(dirname(fileURLToPath(import.meta.url)), '..');
if (!prometheus || spawnSync(prometheus, ['--version']).status !== 0) {
  console.log('Prometheus is not installed: skipped');
  process.exit(SKIPPED);
}

const faults = [];
const fault = (text) => faults.push(text);

// Everything that is asked of Prometheus: {where, expr, quiet}. Quiet ones may be without data: an alert that does not fire.
const asked = [];
for (const name of readdirSync(join(ops, 'grafana/dashboards'))) {
  const board = JSON.parse(readFileSync(join(ops, 'grafana/dashboards', name), 'utf8'));
  const variables = board.templating.list.map((v) => v.name);
  for (const wanted of ['job', 'circuit']) {
    if (!variables.includes(wanted)) fault(`${name}: no variable ${wanted}`);
  }
  for (const a of board.annotations.list) asked.push({ where: `${name}, annotation ${a.name}`, expr: a.expr });
  for (const panel of board.panels) {
    const where = `${name}, ${panel.title}`;
    if (!panel.fieldConfig.defaults.unit) fault(`${where}: no unit`);
    if (!panel.fieldConfig.defaults.thresholds?.steps?.length) fault(`${where}: no thresholds`);
    if (!panel.description) fault(`${where}: no description`);
    for (const target of panel.targets) asked.push({ where, expr: target.expr });
  }
}
const yamlExpressions = (file) => {
  // Our own files, in one form: `expr: one line`, or `expr: |` and deeper lines.
  const lines = readFileSync(join(ops, 'prometheus', file), 'utf8').split('\n');
  return lines.flatMap((line, i) => {
    const found = /^(\s*)expr:\s*(.*)$/.exec(line);
    if (!found) return [];
    if (found[2] !== '|') return [found[2]];
    const rest = lines.slice(i + 1);
    const end = rest.findIndex((next) => next.trim() && next.search(/\S/) <= found[1].length);
    return [rest.slice(0, end < 0 ? undefined : end).join(' ')];
  });
};
for (const expr of yamlExpressions('rules.yml')) asked.push({ where: 'rules.yml', expr });
for (const expr of yamlExpressions('alerts.yml')) asked.push({ where: 'alerts.yml', expr, quiet: true });
const recorded = [...readFileSync(join(ops, 'prometheus/rules.yml'), 'utf8').matchAll(/record: (\S+)/g)].map((m) => m[1]);

// Names in an expression, its strings, label lists and words of the language apart.
const WORDS = new Set(['sum', 'by', 'rate', 'increase', 'max', 'histogram_quantile', 'or', 'and', 'unless', 'without']);
function metricsIn(expr) {
  const bare = expr.replace(/"[^"]*"/g, '').replace(/\b(by|without|on)\s*\([^)]*\)/g, '').replace(/\{[^}]*\}|\[[^\]]*\]/g, '');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*/g)].map((m) => m[0]).filter((name) => !WORDS.has(name));
}

const stage = new Stage(quoll);
const dir = mkdtempSync(join(tmpdir(), 'quoll-prometheus-'));
let server;
try {
  await stage.open({ proxy: ['--allow-pressure', '--reset-timeout', '1s', '--log-level', 'off'] });
  stage.load(60);
  stage.start('pressure', 'loop', '--target', stage.adminUrl, '--block', '500ms..700ms', '--every', '1s..2s', '--seed', '2');

  cpSync(join(ops, 'prometheus'), dir, { recursive: true });
  writeFileSync(join(dir, 'prometheus.yml'),
    readFileSync(join(ops, 'prometheus/prometheus.yml'), 'utf8').replace(/_interval: 5s/g, '_interval: 1s'));
  writeFileSync(join(dir, 'targets/quoll.yml'), JSON.stringify([
    { targets: [`127.0.0.1:${stage.ports.admin}`], labels: { part: 'quoll-proxy' } },
    { targets: [`127.0.0.1:${stage.ports.backend}`], labels: { part: 'quoll-backend' } },
  ]));
  const port = await freePort();
  server = spawn(prometheus, [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: 'inherit' });
  await stage.answers(`http://127.0.0.1:${port}/-/ready`);

  const ask = async (expr) => {
    const text = expr.replaceAll('$__rate_interval', '30s').replaceAll('$job', '.*').replaceAll('$circuit', '.*');
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`);
    const body = await answer.json();
    if (body.status !== 'success') return { error: body.error };
    return { rows: body.data.result.filter((row) => row.value[1] !== 'NaN').length };
  };

  // The circuit goes up and down while we wait for everything to have data.
  const missing = new Set(asked);
  const deadline = Date.now() + 30000;
  await sleep(5000);
  await stage.backend({ mode: 'healthy' });
  while (missing.size > 0 && Date.now() < deadline) {
    for (const item of missing) {
      const { rows, error } = await ask(item.expr);
      if (error) fault(`${item.where}: ${error}\n    ${item.expr}`);
      if (error || rows > 0 || item.quiet) missing.delete(item);
    }
    if (missing.size > 0) await sleep(1000);
  }
  for (const item of missing) fault(`${item.where}: no data\n    ${item.expr}`);

  const exported = new Set(recorded);
  exported.add('up');
  for (const base of [stage.adminUrl, `http://127.0.0.1:${stage.ports.backend}`]) {
    for (const [, name, type] of (await (await fetch(`${base}/metrics`)).text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      exported.add(name);
      if (type === 'histogram') for (const suffix of ['_bucket', '_sum', '_count']) exported.add(name + suffix);
    }
  }
  for (const { where, expr } of asked) {
    for (const name of metricsIn(expr)) {
      if (!exported.has(name)) fault(`${where}: the binary exports no ${name}`);
    }
  }
} finally {
  server?.kill('SIGTERM');
  await stage.stop();
  await sleep(200);
  rmSync(dir, { recursive: true, force: true });
}
for (const text of faults) console.error(text);
console.log(`${asked.length} expressions, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
