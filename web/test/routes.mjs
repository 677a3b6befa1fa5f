// The live page with a thousand circuits, in a real browser against the real binary: one trips and is seen, the filter
// finds, a circuit is looked at by itself, and the page keeps up.
//
// usage: node routes.mjs QUOLL       (run by CTest; exit 77 where there is no Chromium, or no page in the binary)

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SKIPPED, Stage, browserTools, check, freePort, openBrowser, openPage, sleep, until } from './stage.mjs';

const ROUTES = 1000; // with `default`
const LONGEST_TASK_MS = 200;

const quoll = process.argv[2];
const { playwright, axe } = browserTools();

const stage = new Stage(quoll);
const folder = mkdtempSync(join(tmpdir(), 'quoll-routes-'));
let browser;
let going = true;
let walkers = [];
try {
  const dead = await freePort();
  const route = (i) => `  - {name: svc-${i}, path: /svc-${i}${i === 7 ? `, upstream: "http://127.0.0.1:${dead}"` : ''}}\n`;
  const config = join(folder, 'quoll.yaml');
  writeFileSync(config, `routes:\n${Array.from({ length: ROUTES - 1 }, (_, i) => route(i + 1)).join('')}`);
  await stage.open({
    backend: ['--mode', 'healthy', '--delay', '1ms..5ms'],
    proxy: ['--config', config, '--reset-timeout', '60s', '--log-level', 'off'],
  });
  const there = await fetch(`${stage.adminUrl}/dashboard`);
  if (there.status === 503) {
    console.log(`${(await there.text()).split('\n')[0]}: skipped`);
    process.exitCode = SKIPPED;
  } else {
    // Every circuit but the one that is to trip has calls.
    const ask = async (i) => (await fetch(`http://127.0.0.1:${stage.ports.proxy}/svc-${i}`)).text();
    const walk = async (from) => {
      for (let i = from; going; i = (i % (ROUTES - 1)) + 1) if (i !== 7) await ask(i).catch(() => undefined);
    };
    walkers = [1, 250, 500, 750].map(walk);
    browser = await openBrowser(playwright);
    const { page, seen } = await openPage(browser);
    await page.goto(`${stage.adminUrl}/dashboard`);
    await page.evaluate(() => {
      window.longest = 0;
      const look = (list) => list.getEntries().forEach((e) => (window.longest = Math.max(window.longest, e.duration)));
      new PerformanceObserver(look).observe({ entryTypes: ['longtask'] });
    });
    const text = (selector) => page.locator(selector).first().textContent();

    check('the page comes to life', (await until(async () => (await text('#link')) === 'live')) !== undefined);
    check('it says how all are', (await until(async () => (await text('#pill')) === 'All closed')) !== undefined, await text('#pill'));
    check('a few are shown of all', /^8 of 1000 circuits shown/.test(await text('#found')), await text('#found'));
    check('their calls are counted together', (await until(async () => Number(await text('#chart-events .key b')) > 20)) !== undefined);

    for (let i = 0; i < 10; ++i) await ask(7);
    const tripped = await until(async () => (await text('#circuit-list b')) === 'svc-7', 5000);
    check('the one that trips comes first within 2 s', tripped !== undefined && tripped <= 2000, `${tripped} ms`);
    check('its state is told', (await text('#circuit-list .state')) === 'Open', await text('#circuit-list .state'));
    check('so does the journal', /^svc-7: Closed → Open/.test(await text('#journal strong')), await text('#journal strong'));
    check('and the summary', (await until(async () => (await text('#pill')) === '1 open', 2000)) !== undefined, await text('#pill'));

    await page.locator('#filter').focus();
    await page.keyboard.type('svc-99');
    check('the filter finds', (await until(async () => /^8 of 11 that fit/.test(await text('#found')), 2000)) !== undefined, await text('#found'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    check('a circuit is chosen by keyboard', (await page.locator('#circuit-list .row[aria-pressed=true]').count()) === 1);
    check('and shown by itself', (await until(async () => (await text('#pill')) === 'Closed', 3000)) !== undefined, await text('#pill'));
    const numbers = async () => Number(await text('#chart-events .key b'));
    check('with its own numbers', (await until(async () => Number.isFinite(await numbers()), 5000)) !== undefined);

    let updates = 0;
    for (let last = await text('#chart-requests .key b'), i = 0; i < 50; ++i, await sleep(100)) {
      const now = await text('#chart-requests .key b');
      if (now !== last) updates++;
      last = now;
    }
    check('updates keep coming', updates >= 3, `${updates} in 5 s`);
    const longest = Math.round(await page.evaluate('window.longest'));
    check('no task holds the page up', longest < LONGEST_TASK_MS, longest === 0 ? 'none over 50 ms' : `${longest} ms`);

    await page.locator('#all').click();
    await page.fill('#filter', '');
    await page.locator('#more').click();
    check('more are shown on demand', (await page.locator('#circuit-list li').count()) === 24);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      for (const theme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: theme });
        await sleep(300);
        await page.evaluate(axe);
        const result = await page.evaluate('axe.run()');
        const bad = result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
        const names = bad.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 90)}`).join('; ');
        check(`axe finds nothing serious at ${width} px, ${theme}`, bad.length === 0, names);
      }
      const sticks = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      check(`nothing sticks out at ${width} px`, sticks <= 0, `${sticks} px`);
    }
    check('no error in the console', seen.errors.length === 0, seen.errors.join('; '));
  }
} finally {
  going = false;
  await Promise.all(walkers);
  await browser?.close();
  await stage.stop();
  rmSync(folder, { recursive: true });
}
