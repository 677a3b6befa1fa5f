// Before npm pack: the prebuilt binary, and what building from source needs, come into the package's folder.
// `prepack.js clean` (npm's postpack) takes them out again: the repository's own build uses the sources where they are.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { here, packed, skipped } = require('./sources');
const { build } = require('./build');

const added = [packed, path.join(here, 'prebuilds'), path.join(here, 'LICENSE')];
const clean = () => added.forEach((each) => fs.rmSync(each, { recursive: true, force: true }));

function copySources(from, to) {
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) {
      copySources(source, target);
    } else if (/\.(cc|h)$/.test(entry.name) && !skipped.test(entry.name)) {
      fs.mkdirSync(to, { recursive: true });
      fs.copyFileSync(source, target);
    }
  }
}

async function prepack() {
  clean();
  const libc = process.report?.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  const folder = `${process.platform}-${process.arch}`;
  await build(path.join(here, 'prebuilds', folder, `node.napi.${libc}.node`));
  const repository = path.join(here, '..');
  for (const each of ['core/src', 'core/include', 'base/src', 'base/include']) {
    copySources(path.join(repository, each), path.join(packed, each));
  }
  copySources(require('node-api-headers').include_dir, path.join(packed, 'node-api'));
  fs.copyFileSync(path.join(repository, 'LICENSE'), path.join(here, 'LICENSE'));
}

if (process.argv[2] === 'clean') {
  clean();
} else {
  prepack().catch((error) => {
    console.error(`quoll: ${error.message}`);
    clean();
    process.exitCode = 1;
  });
}
