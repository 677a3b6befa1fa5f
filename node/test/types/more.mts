// What opossum has not, and the named exports of the ES module.
import CircuitBreaker, { CircuitBreaker as Named, servePages, shed } from 'quoll';

const breaker = new Named(async (url: string) => (await fetch(url)).status, {
  timeout: 'adaptive', adaptive: { floor: 10 }, retry: { attempts: 2, budget: { ratio: 0.1 } }, slowCallThreshold: 100, compat: 'opossum',
});
breaker.on('success', (status, latency, how) => { if (how?.rescued) status.toFixed(latency); });
breaker.on('transition', ({ reason, evidence }) => reason.concat(String(evidence.counts.failureRate)));
const text: string = breaker.explain().text;
const hosts = breaker.registry({ most: 10, key: (url) => new URL(url).host });
const status: Promise<number> = hosts.fire('http://a');
for (const [host, each] of hosts) host.concat(each.name);
const { url, close } = servePages({ port: 0 });
const middleware = shed({ priority: (request) => (request.url === '/pay' ? 0 : 2), client: null });
middleware.report().share.toFixed();
const both: typeof CircuitBreaker = Named;
export { both, close, status, text, url };
