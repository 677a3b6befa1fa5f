// Pictures of the live page from a real run, for the README: closed, open, and loop lag against circuit events.
//
//   node web/screenshots.mjs build/release/quoll docs/img          (or: ./dev pictures)
//   node web/screenshots.mjs build/release/quoll /tmp/look --look  everything at 1280 and 390 pixels, both themes

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import playwright from 'playwright-core';

import { Stage, browserPath, openBrowser, openPage, sleep } from './test/stage.mjs';

const [quoll, out, look] = process.argv.slice(2);
if (!quoll || !out) {
  console.error('usage: screenshots.mjs QUOLL DIRECTORY [--look]');
  process.exit(2);
}
if (!browserPath()) {
  console.error('screenshots: no Chromium here; install the package chromium, or set CHROMIUM');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

const stage = new Stage(quoll);
const browser = await openBrowser(playwright);
const pages = [];
async function open(name, options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${stage.adminUrl}/dashboard`);
  await opened.page.check('#range input[value="60"]', { force: true });
  pages.push({ name, ...opened });
  return opened.page;
}

try {
  await stage.open({ backend: ['--mode', 'healthy', '--delay', '40ms..220ms', '--degrade', '0'], proxy: ['--allow-pressure', '--log-level', 'warn'] });
  stage.load(90, 40);
  const wide = await open('1280-light', { width: 1280, height: 900 });
  if (look) {
    await open('1280-dark', { width: 1280, height: 900, theme: 'dark' });
    await open('390-light', { width: 390, height: 844, touch: true });
    await open('390-dark', { width: 390, height: 844, theme: 'dark', touch: true });
  }
  const shoot = async (what) => {
    for (const { name, page } of look ? pages : []) {
      await page.screenshot({ path: join(out, `${what}-${name}.png`), fullPage: true });
    }
  };

  // Calm, with our own loops blocked now and then: lag, and no timeout.
  const pressure = stage.start('pressure', 'loop', '--target', stage.adminUrl, '--block', '150ms..600ms', '--every', '2s..4s', '--seed', '3');
  await sleep(look ? 15000 : 62000);
  if (look) await shoot('closed');
  else await wide.screenshot({ path: join(out, 'dashboard-closed.png') });

  // A real outage: the circuit opens.
  await stage.backend({ mode: 'fail', for: '12s' });
  await wide.locator('.circuit[data-state=open]').waitFor({ timeout: 20000 });
  await sleep(3000);
  if (look) await shoot('open');
  else await wide.screenshot({ path: join(out, 'dashboard-open.png') });

  // Over, and a slow one.
  await sleep(14000);
  await stage.backend({ mode: 'hang', for: '3s' });
  await sleep(12000);
  await stage.end(pressure);
  if (look) await shoot('after');
  if (!look) {
    await wide.mouse.move(2, 2);
    await wide.screenshot({ path: join(out, 'loop-lag.png'), clip: await both(wide) });
  }
} finally {
  await browser.close();
  await stage.stop();
}

// The band and the panel of loop lag under it.
async function both(page) {
  const band = await page.locator('#chart-band').boundingBox();
  const lag = await page.locator('#chart-lag').boundingBox();
  return { x: band.x - 8, y: band.y - 8, width: band.width + 16, height: lag.y + lag.height - band.y + 16 };
}
