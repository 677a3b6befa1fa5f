// What npm pack gave, installed into an empty folder without a compiler: it loads, and the example's verdict is right.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { here } = require('./sources');

const { version } = require('../package.json');
const tarball = path.join(here, `quoll-${version}.tgz`);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quoll-packed-'));

function run(command, words, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

try {
  fs.writeFileSync(path.join(folder, 'package.json'), '{"name":"empty","private":true}\n');
  run('npm', ['install', '--no-audit', '--no-fund', tarball], { CXX: '/nonexistent/compiler' });
  const installed = path.join(folder, 'node_modules', 'quoll');
  const dependencies = fs.readdirSync(path.join(folder, 'node_modules')).filter((each) => !each.startsWith('.')).sort();
  if (dependencies.join() !== 'node-gyp-build,quoll') throw new Error(`it brings ${dependencies}`);
  if (fs.existsSync(path.join(installed, 'build'))) throw new Error('it was built, not taken from prebuilds');
  const told = run(process.execPath, ['-e', `
    const CircuitBreaker = require('quoll');
    const breaker = new CircuitBreaker(async (x) => x, { timeout: 100 });
    breaker.fire('good').then((x) => console.log(x, breaker.explain().portable === undefined));`]).trim();
  if (told !== 'good true') throw new Error(`it said '${told}'`);
  const size = (file) => `${Math.round(fs.statSync(file).size / 1024)} KiB`;
  const binary = path.join(installed, 'prebuilds', `${process.platform}-${process.arch}`);
  console.log(`quoll-${version}.tgz: ${size(tarball)}; its binary: ${fs.readdirSync(binary).map((each) => `${each} ${size(path.join(binary, each))}`)}`);
} catch (error) {
  console.error(`quoll: ${error.message}`);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
