// Runs test/*.test.js, or the files given, with Node's own runner: node scripts/test.js [FILE...]
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const folder = path.join(__dirname, '..', 'test');
const given = process.argv.slice(2);
const files = given.length > 0 ? given : fs.readdirSync(folder).filter((each) => each.endsWith('.test.js')).sort()
  .map((each) => path.join(folder, each));
const run = spawnSync(process.execPath, ['--expose-gc', '--test', ...files], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
