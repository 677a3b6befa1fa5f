// What the page's tests and pictures share: the real binary's parts on free ports of loopback, and a browser that can
// reach nothing else. Everything started here is ended by stop(), by its own process id.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// Exit code of a test that could not run: CTest shows it as skipped.
export const SKIPPED = 77;

export function browserPath() {
  return process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
}

export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What drives the browser, and the source of axe-core. Without them, or without a browser, the test ends as skipped.
export function browserTools() {
  const require = createRequire(import.meta.url);
  const skip = (why) => {
    console.log(`${why}: skipped`);
    process.exit(SKIPPED);
  };
  if (!browserPath()) skip('Chromium is not installed');
  try {
    return { playwright: require('playwright-core'), axe: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') };
  } catch {
    return skip('web/node_modules is not installed');
  }
}

// Prints a claim and whether it holds; a test with one that does not ends with exit code 1.
export function check(claim, holds, detail = '') {
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${claim}${detail === '' ? '' : ` (${detail})`}`);
  if (!holds) process.exitCode = 1;
}

// Milliseconds until it holds; undefined after `limit`.
export async function until(holds, limit = 10000) {
  const start = performance.now();
  for (;;) {
    if (await holds()) return Math.round(performance.now() - start);
    if (performance.now() - start > limit) return undefined;
    await sleep(20);
  }
}

export class Stage {
  constructor(quoll) {
    this.quoll = quoll;
    this.children = [];
  }

  start(...args) {
    const child = spawn(this.quoll, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (child.output = (child.output + text).slice(-20000)));
    }
    child.ended = once(child, 'exit');
    this.children.push(child);
    return child;
  }

  async end(child, signal = 'SIGTERM') {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await Promise.race([child.ended, sleep(5000).then(() => child.kill('SIGKILL'))]);
    this.children = this.children.filter((other) => other !== child);
  }

  async stop() {
    await Promise.all([...this.children].reverse().map((child) => this.end(child)));
  }

  // Backend and proxy. `backend` and `proxy`: further arguments.
  async open({ backend = [], proxy = [] } = {}) {
    this.ports = { proxy: await freePort(), backend: await freePort(), admin: await freePort() };
    this.start('backend', '--listen', `127.0.0.1:${this.ports.backend}`, '--seed', '1', ...backend);
    this.proxyArgs = proxy;
    await this.openProxy();
    await this.answers(`http://127.0.0.1:${this.ports.backend}/health`);
  }

  async openProxy() {
    const { proxy, backend, admin } = this.ports;
    this.proxy = this.start(
      'proxy', '--listen', `127.0.0.1:${proxy}`, '--upstream', `http://127.0.0.1:${backend}`,
      '--admin', `127.0.0.1:${admin}`, ...this.proxyArgs);
    await this.answers(`http://127.0.0.1:${admin}/health`);
  }

  get url() {
    return `http://127.0.0.1:${this.ports.proxy}/api/data`;
  }
  get adminUrl() {
    return `http://127.0.0.1:${this.ports.admin}`;
  }

  load(rate, connections = 20) {
    return this.start('load', this.url, '-c', String(connections), '--rate', String(rate), '-d', '10m', '--quiet');
  }

  async post(path, body) {
    const answer = await fetch(`${this.adminUrl}${path}`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  }

  // Backend modes: {"mode":"fail","for":"5s"}.
  async backend(change) {
    const answer = await fetch(`http://127.0.0.1:${this.ports.backend}/control`, {
      method: 'POST',
      body: JSON.stringify(change),
    });
    if (!answer.ok) throw new Error(`POST /control: ${answer.status} ${await answer.text()}`);
  }

  async answers(url) {
    for (let i = 0; i < 100; ++i) {
      try {
        if ((await fetch(url)).ok) return;
      } catch {
        // not yet
      }
      await sleep(50);
    }
    const output = this.children.map((child) => child.output).join('\n');
    throw new Error(`${url} does not answer; the parts said:\n${output}`);
  }
}

// A browser whose every request is written down; those that leave this machine are refused too.
export async function openBrowser(playwright) {
  return playwright.chromium.launch({
    executablePath: browserPath(),
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--hide-scrollbars',
    ],
  });
}

// A page with what it complained of and asked for.
export async function openPage(browser, { width = 1280, height = 800, theme = 'light', touch = false } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    hasTouch: touch,
    deviceScaleFactor: touch ? 2 : 1,
  });
  const page = await context.newPage();
  const seen = { errors: [], outside: [] };
  page.on('console', (message) => {
    // A connection that is refused while the proxy restarts is the browser's to report, and no fault of the page.
    const refused = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;
    if (message.type() === 'error' && !refused.test(message.text())) seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  await context.route('**/*', (route) => {
    const { hostname, protocol } = new URL(route.request().url());
    if (protocol === 'data:' || hostname === '127.0.0.1') return route.continue();
    seen.outside.push(route.request().url());
    return route.abort();
  });
  return { context, page, seen };
}
