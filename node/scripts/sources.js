// Where the add-on's sources are: beside this package in the repository, or in its own deps/ once it is packed.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const here = path.join(__dirname, '..');
const packed = path.join(here, 'deps');

/** The folder that holds core/ and base/. */
function root() {
  return fs.existsSync(path.join(packed, 'core')) ? packed : path.join(here, '..');
}

const skipped = /(_test|_bench|_rig|_arbitrary)\.(cc|h)$/;

function sourcesOf(folder) {
  return fs.readdirSync(folder).filter((name) => name.endsWith('.cc') && !skipped.test(name)).sort()
    .map((name) => path.join(folder, name));
}

/** Every file that is compiled. */
function sources() {
  return [path.join(here, 'src'), path.join(root(), 'core/src'), path.join(root(), 'base/src')].flatMap(sourcesOf);
}

/** Every folder that is searched for headers; the first has node_api.h. */
function includes() {
  const bundled = path.join(packed, 'node-api');
  const headers = fs.existsSync(bundled) ? bundled : require('node-api-headers').include_dir;
  return [headers, path.join(here, 'src'), path.join(root(), 'core/include'), path.join(root(), 'base/include'),
    path.join(root(), 'core/src')];
}

module.exports = { here, packed, root, skipped, sources, includes };

// For binding.gyp, which reads words.
if (require.main === module) {
  const list = process.argv[2] === 'includes' ? includes() : sources();
  process.stdout.write(list.map((each) => path.relative(here, each)).join('\n'));
}
