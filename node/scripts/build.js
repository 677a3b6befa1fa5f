// Builds the add-on with the C++ compiler alone: node scripts/build.js [OUTPUT]. Only what changed is compiled again.
'use strict';
const { spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { here, sources, includes } = require('./sources');
const { version } = require('../package.json');

const compiler = process.env.CXX || 'c++';
const hardened = process.env.QUOLL_WERROR ? ['-Werror', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wold-style-cast',
  '-Wcast-qual', '-Wno-maybe-uninitialized', '-Wno-restrict'] : [];
const flags = ['-std=c++20', '-O2', '-DNDEBUG', '-DNAPI_VERSION=8',
  `-DQUOLL_VERSION="${version}"`, '-fPIC', '-fvisibility=hidden',
  '-fno-plt', '-ffunction-sections', `-fmacro-prefix-map=${path.join(here, '..')}/=`, ...hardened,
  '-isystem', includes()[0], ...includes().slice(1).map((folder) => `-I${folder}`)];

/** Whether the object is newer than every file that its dependency list names. */
function fresh(object) {
  const list = object.replace(/\.o$/, '.d');
  if (!fs.existsSync(object) || !fs.existsSync(list)) return false;
  const built = fs.statSync(object).mtimeMs;
  const files = fs.readFileSync(list, 'utf8').replace(/\\\n/g, ' ').split(/\s+/).slice(1).filter(Boolean);
  return files.every((file) => fs.existsSync(file) && fs.statSync(file).mtimeMs <= built);
}

function run(command, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

async function build(output) {
  const key = crypto.createHash('sha1').update([compiler, ...flags].join(' ')).digest('hex').slice(0, 8);
  const folder = path.join(here, 'build', 'objects', key);
  fs.mkdirSync(folder, { recursive: true });
  fs.mkdirSync(path.dirname(output), { recursive: true });
  const objects = sources().map((source) => ({
    source, object: path.join(folder, `${path.basename(path.dirname(path.dirname(source)))}_${path.basename(source, '.cc')}.o`),
  }));
  const stale = objects.filter(({ object }) => !fresh(object));
  const cache = spawnSync('ccache', ['--version']).status === 0 ? ['ccache', compiler] : [compiler];
  const work = async () => {
    for (let next = stale.pop(); next !== undefined; next = stale.pop()) {
      await run(cache[0], [...cache.slice(1), ...flags, '-MMD', '-c', next.source, '-o', next.object]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(os.cpus().length, stale.length) }, work));
  const link = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup']
    : ['-static-libstdc++', '-static-libgcc', '-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-s', '-pthread'];
  await run(compiler, ['-shared', '-o', `${output}.new`, ...objects.map(({ object }) => object), ...link]);
  fs.renameSync(`${output}.new`, output);
}

module.exports = { build };

if (require.main === module) {
  build(path.resolve(process.argv[2] || path.join(here, 'build', 'Release', 'quoll.node'))).catch((error) => {
    console.error(`quoll: ${error.message}`);
    process.exitCode = 1;
  });
}
