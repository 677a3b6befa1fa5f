// The live page in a real browser, against the real binary under load. Each claim is checked in turn on one stage.
//
// usage: node page.mjs QUOLL       (run by CTest; exit 77 where there is no Chromium, or no page in the binary)

import { SKIPPED, Stage, browserTools, check, openBrowser, openPage, sleep, until } from './stage.mjs';

const quoll = process.argv[2];
const { playwright, axe } = browserTools();

const stage = new Stage(quoll);
let browser;
try {
  // The volume threshold is out of reach until the test wants a trip, so that load alone trips nothing.
  await stage.open({ backend: ['--mode', 'healthy', '--delay', '20ms..60ms'], proxy: ['--allow-pressure', '--reset-timeout', '60s', '--log-level', 'off'] });
  const there = await fetch(`${stage.adminUrl}/dashboard`);
  if (there.status === 503) {
    console.log(`${(await there.text()).split('\n')[0]}: skipped`);
    await stage.stop();
    process.exit(SKIPPED);
  }
  stage.load(80);
  browser = await openBrowser(playwright);
  const wide = await openPage(browser);
  const phone = await openPage(browser, { width: 390, height: 844, theme: 'dark', touch: true });
  const { page } = wide;
  for (const { page: one } of [wide, phone]) await one.goto(`${stage.adminUrl}/dashboard`);
  const text = (selector, of = page) => of.locator(selector).first().textContent();

  check('the page comes to life', (await until(async () => (await text('#link')) === 'live')) !== undefined);
  check('it says what state the circuit is in', (await until(async () => (await text('#pill')) === 'Closed')) !== undefined);
  const requests = '#chart-requests .key b';
  check('values move under load', (await until(async () => Number(await text(requests)) > 20)) !== undefined, await text(requests));

  // Our own stall: every worker stands still, and the page goes on.
  await stage.post('/pressure', JSON.stringify({ block_ms: 2500 }));
  const lag = async () => {
    const [number, unit] = (await text('#chart-lag .key b')).split(' ');
    return Number(number) * (unit === 's' ? 1000 : 1);
  };
  const seen = await until(async () => (await lag()) >= 500, 2400);
  check('a stall of every worker shows while it lasts', seen !== undefined, `${seen} ms after it began`);
  await sleep(1500);
  check('and opens nothing', (await text('#pill')) === 'Closed', await text('#pill'));

  // Reading values back: hover, keyboard, pause.
  const plot = await page.locator('#chart-lag .u-over').boundingBox();
  const values = async () => (await page.locator('.key b').allTextContents()).join();
  await page.mouse.move(plot.x + plot.width * 0.2, plot.y + plot.height / 2);
  await sleep(100);
  check('hover shows the values of that time', (await text(requests)) === '–', await text(requests));
  await page.mouse.move(2, 2);
  await page.locator('#stack').focus();
  await page.keyboard.press('ArrowLeft');
  const read = await text('#readout');
  check('an arrow key reads them out', /^\d\d:\d\d:\d\d: Closed; loop lag/.test(read), read.slice(0, 60));
  check('and holds the page still', (await text('#pause')) === 'Paused');
  const held = await values();
  await sleep(1500);
  check('pause holds', (await values()) === held);
  await page.keyboard.press('Escape');
  await page.click('#pause');
  await page.locator('#range input[value="900"]').check({ force: true });
  await page.locator('#range input[value="60"]').check({ force: true });

  // A real outage.
  await stage.backend({ mode: 'fail' });
  const status = async () => (await (await fetch(`${stage.adminUrl}/circuit-status`)).json()).state;
  await until(async () => (await status()) === 'open', 15000);
  const shown = await until(async () => (await text('#pill')) === 'Open', 5000);
  check('a trip shows within 2 s', shown !== undefined && shown <= 2000, `${shown} ms`);
  check('with its reason in words', /opened: \d+ of \d+ calls failed/.test(await text('#journal li p')), await text('#journal li p'));
  check('on the phone too', (await until(async () => (await text('#pill', phone.page)) === 'Open', 2000)) !== undefined);

  // No serious fault for people who read with keyboard or ear; both sizes, both themes.
  for (const { page: one } of [wide, phone]) {
    for (const theme of ['light', 'dark']) {
      await one.emulateMedia({ colorScheme: theme });
      await sleep(300);
      // The policy forbids injected scripts, as it should: axe comes in past it, through the debugger.
      await one.evaluate(axe);
      const result = await one.evaluate('axe.run()');
      const bad = result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
      const names = bad.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 90)}`).join('; ');
      check('axe looked', result.passes.length > 20, `${result.passes.length} rules passed`);
      check(`axe finds nothing serious at ${one.viewportSize().width} px, ${theme}`, bad.length === 0, names);
      const width = await one.evaluate('document.documentElement.scrollWidth - innerWidth');
      check(`nothing sticks out at ${one.viewportSize().width} px`, width <= 0, `${width} px`);
    }
  }

  // Controls ask first.
  await stage.backend({ mode: 'healthy' });
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await sleep(300);
  check('a control that is not confirmed does nothing', (await status()) === 'open');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.locator('#confirm-yes').click();
  check('one that is confirmed does it', (await until(async () => (await text('#pill')) === 'Closed', 3000)) !== undefined);

  // A restart.
  await stage.end(stage.proxy);
  check('a proxy that is gone is told', (await until(async () => /no connection/.test(await text('#link')), 5000)) !== undefined);
  await sleep(1000);
  await stage.openProxy();
  const back = await until(async () => (await text('#link')) === 'live', 8000);
  check('the page survives a restart of the proxy', back !== undefined, `live again after ${back} ms`);
  check('and keeps what it knew', (await page.locator('#journal li').count()) >= 2);
  await sleep(2500);
  check('and goes on', Number(await text(requests)) > 0, await text(requests));

  for (const { seen: noted } of [wide, phone]) {
    check('no error in the console', noted.errors.length === 0, noted.errors.join('; '));
    check('no request left this machine', noted.outside.length === 0, noted.outside.join('; '));
  }
} finally {
  await browser?.close();
  await stage.stop();
}
