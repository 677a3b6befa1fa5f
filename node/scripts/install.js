// At install: nothing to do where a prebuilt binary loads. Elsewhere on Linux the add-on is built with the C++ compiler;
// where that fails, and on other systems, the package works without it and says so when it is first loaded.
'use strict';
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const here = path.join(__dirname, '..');

/** In a process of its own: a binary that does not fit this system may end the process that loads it. */
const loads = () => spawnSync(process.execPath, ['-e', 'require("node-gyp-build")(process.argv[1])', here],
  { cwd: here, stdio: 'ignore' }).status === 0;

async function install() {
  if (!process.env.npm_config_build_from_source && loads()) return;
  if (process.platform !== 'linux') return;
  try {
    await require('./build').build(path.join(here, 'build', 'Release', 'quoll.node'));
    if (!loads()) throw new Error('what was built does not load');
  } catch (error) {
    console.error(`quoll: not built from source (${error.message}); the portable rule will do. It needs a C++20 compiler.`);
  }
}

install();
