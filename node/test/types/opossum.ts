// As a program typed for @types/opossum has it.
import CircuitBreaker from 'quoll';

const fetchText = async (url: string, retries?: number): Promise<string> => url + String(retries ?? 0);
const options: CircuitBreaker.Options = { timeout: 3000, errorThresholdPercentage: 50, resetTimeout: 30000, volumeThreshold: 5 };
const breaker = new CircuitBreaker(fetchText, options);
breaker.fallback(() => 'sorry');
breaker.on('success', (result, latency) => { result.toUpperCase(); latency.toFixed(); });
breaker.on('failure', (error: Error, latency, [url]) => { error.message.concat(url, latency.toFixed()); });
breaker.on('timeout', (error) => error.code === 'ETIMEDOUT');
breaker.on('halfOpen', (resetTimeout) => resetTimeout + 1);
breaker.once('open', () => undefined);
breaker.status.on('snapshot', (snapshot) => snapshot.fires + snapshot.latencyMean);
const answer: Promise<string> = breaker.fire('http://a', 1);
const bound: Promise<string> = breaker.call({}, 'http://a');
const { state, status } = breaker.toJSON();
new CircuitBreaker(fetchText, { state, status: CircuitBreaker.newStatus({ stats: status }) });
const transport: CircuitBreaker.CacheTransport = { get: () => 1, set: () => undefined, flush: () => undefined };
new CircuitBreaker(fetchText, { cache: true, cacheTransport: transport, cacheGetKey: (url) => url.trim() });
const ours: boolean = CircuitBreaker.isOurError(new Error());
const typed: CircuitBreaker<[string, number?], string> = breaker;

// @ts-expect-error the action wants a string
breaker.fire(1);
// @ts-expect-error no such option
new CircuitBreaker(fetchText, { timeOut: 1 });
// @ts-expect-error no number
breaker.on('success', (result: number) => result);

export { answer, bound, ours, typed };
