// Types of the package. The names are those of @types/opossum, so that a program typed for it stays typed.
/// <reference types="node" />
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';

declare class CircuitBreaker<TI extends unknown[] = any[], TR = any> extends EventEmitter {
  /** Whether an error is the breaker's own, and not the action's. */
  static isOurError(error: unknown): boolean;
  /** A Status with counts from before, to start a breaker with. */
  static newStatus(options: CircuitBreaker.StatusOptions): CircuitBreaker.Status;
  /** Serves /metrics, /health, /status and the live page from a native thread that answers while this loop is blocked. */
  static servePages(options?: CircuitBreaker.PagesOptions): CircuitBreaker.Pages;
  /** A middleware that refuses what comes beyond what can be served, by how long each request really waited. */
  static shed(options?: CircuitBreaker.ShedOptions): CircuitBreaker.Shed;
  static readonly CircuitBreaker: typeof CircuitBreaker;

  constructor(action: ((...args: TI) => TR | PromiseLike<TR>) | (TR & object) | string | number, options?: CircuitBreaker.Options<TI>);

  readonly name: string;
  readonly group: string;
  readonly enabled: boolean;
  /** Half-open, and the next call will be a trial. */
  readonly pendingClose: boolean;
  readonly closed: boolean;
  readonly opened: boolean;
  readonly halfOpen: boolean;
  readonly isShutdown: boolean;
  readonly status: CircuitBreaker.Status;
  readonly stats: CircuitBreaker.Stats;
  readonly warmUp: boolean;
  readonly volumeThreshold: number;
  /** As given, with the defaults filled in. */
  readonly options: CircuitBreaker.Options<TI>;
  readonly action: (...args: TI) => TR | PromiseLike<TR>;
  /** Calls under way. */
  readonly inFlight: number;

  fire(...args: TI): Promise<Awaited<TR>>;
  /** The same with `context` as the action's `this`. */
  call(context: unknown, ...args: TI): Promise<Awaited<TR>>;
  /** What answers when the action does not: a function of the call's arguments and the error, or another breaker. */
  fallback(func: ((...args: any[]) => any) | CircuitBreaker<any, any>): this;
  /** Asks `func` each `interval` ms (5000); a rejected promise opens the circuit. */
  healthCheck(func: (this: this) => Promise<unknown>, interval?: number): void;
  open(): void;
  close(): void;
  /** Ends it: each later call is refused with ESHUTDOWN. */
  shutdown(): void;
  enable(): void;
  /** Calls go to the action as if there were no breaker. */
  disable(): void;
  clearCache(): void;
  /** Inside an action the signal of that call; elsewhere that of options.abortController. */
  getSignal(): AbortSignal | undefined;
  getAbortController(): AbortController | undefined;
  toJSON(): { state: CircuitBreaker.State; status: CircuitBreaker.Stats };
  /** Why the circuit is as it is, with the evidence; `text` says it in words. */
  explain(): CircuitBreaker.Explanation;
  /** A breaker for each host, with this one's action, fallback and options. */
  registry(options?: CircuitBreaker.RegistryOptions<TI>): CircuitBreaker.Registry<TI, TR>;

  on<E extends keyof CircuitBreaker.Events<TI, TR>>(event: E, listener: (...args: CircuitBreaker.Events<TI, TR>[E]) => void): this;
  once<E extends keyof CircuitBreaker.Events<TI, TR>>(event: E, listener: (...args: CircuitBreaker.Events<TI, TR>[E]) => void): this;
}

declare namespace CircuitBreaker {
  /** The arguments of each event's listeners. Latencies are in milliseconds. */
  interface Events<TI extends unknown[] = any[], TR = any> {
    fire: [args: TI];
    success: [result: Awaited<TR>, latency: number, how?: { rescued?: true; inconclusive?: true }];
    failure: [error: any, latency: number, args: TI];
    timeout: [error: Error & { code: 'ETIMEDOUT' }, latency: number, args: TI];
    reject: [error: Error & { code: 'EOPENBREAKER'; retryAfter: number }];
    fallback: [result: any, error: any];
    semaphoreLocked: [error: Error & { code: 'ESEMLOCKED' }, latency: number];
    open: [];
    close: [];
    halfOpen: [resetTimeout: number];
    shutdown: [];
    cacheHit: [];
    cacheMiss: [];
    coalesceCacheHit: [];
    coalesceCacheMiss: [];
    healthCheckFailed: [error: any];
    /** An answer that came in time, though our loop was too late to see it. */
    rescued: [result: Awaited<TR>, latency: number];
    /** An answer of which nobody can say whether it came in time. Held against nobody. */
    inconclusive: [result: Awaited<TR>, latency: number];
    /** Another attempt follows in `wait` ms. */
    retry: [error: any, wait: number];
    /** Each change of the state, with what brought it about. */
    transition: [transition: Transition];
  }

  interface Options<TI extends unknown[] = any[]> {
    /** How long an action may take, ms, from when its request left. false or 0: no limit. 'adaptive': learned. Default 10000. */
    timeout?: number | boolean | 'adaptive' | undefined;
    /** Bounds of the learned timeout; times in ms. */
    adaptive?: { quantile?: number; factor?: number; margin?: number; floor?: number; ceiling?: number; initial?: number } | undefined;
    /** Time open before a trial, ms. Default 30000. */
    resetTimeout?: number | undefined;
    /** It opens above this percentage of failures. Default 50; 100 never does. */
    errorThresholdPercentage?: number | undefined;
    /** The window, ms. Default 10000. */
    rollingCountTimeout?: number | undefined;
    /** Default 10. */
    rollingCountBuckets?: number | undefined;
    /** Default true. */
    rollingPercentilesEnabled?: boolean | undefined;
    /** Calls under way at most. Default: no limit. */
    capacity?: number | undefined;
    name?: string | undefined;
    group?: string | undefined;
    /** Default true. */
    enabled?: boolean | undefined;
    /** No opening during the first rollingCountTimeout. Default false. */
    allowWarmUp?: boolean | undefined;
    /** Calls of the window before it may open. Default 0. */
    volumeThreshold?: number | undefined;
    /** True for an error that is no failure: it rejects, and counts as a success. */
    errorFilter?: ((error: any, ...args: TI) => boolean) | undefined;
    cache?: boolean | undefined;
    /** ms; 0 is for ever. Default 0. */
    cacheTTL?: number | undefined;
    cacheSize?: number | undefined;
    cacheGetKey?: ((...args: TI) => string) | undefined;
    cacheTransport?: CacheTransport | undefined;
    coalesce?: boolean | undefined;
    /** ms. Default: timeout. */
    coalesceTTL?: number | boolean | undefined;
    coalesceSize?: number | undefined;
    coalesceResetOn?: Array<'error' | 'success' | 'timeout'> | undefined;
    /** Aborted by a timeout. A call that is given its signal gets one of its own instead, so that no other is aborted. */
    abortController?: AbortController | undefined;
    autoRenewAbortController?: boolean | undefined;
    /** Default true. */
    enableSnapshots?: boolean | undefined;
    rotateBucketController?: EventEmitter | undefined;
    status?: Status | Partial<Stats> | undefined;
    state?: Partial<State> | undefined;
    /** @deprecated use errorThresholdPercentage */
    maxFailures?: number | undefined;

    /** 'opossum' gives opossum's known mistakes back; the README lists them. */
    compat?: 'opossum' | undefined;
    /** A call that takes longer is slow, ms. Default: none is. */
    slowCallThreshold?: number | undefined;
    /** It opens at this share of slow calls, (0, 1]. Default 1. */
    slowCallRateThreshold?: number | undefined;
    /** It opens after so many failures in a row. Default 0: off. */
    consecutiveFailures?: number | undefined;
    /** Each opening in a row is longer by this factor. Default 1. */
    resetMultiplier?: number | undefined;
    /** The longest of them, ms. */
    resetTimeoutMax?: number | undefined;
    /** Share of the reset time that is chance, [0, 1). */
    resetJitter?: number | undefined;
    /** Trials at a time. Default 1. */
    halfOpenPermits?: number | undefined;
    /** Good trials that close it. Default 1. */
    halfOpenSuccesses?: number | undefined;
    /** Half-open for so long at most, ms. Default 0: no limit. */
    halfOpenMax?: number | undefined;
    /** After closing, calls are let in bit by bit over this time, ms. Default 0. */
    ramp?: number | undefined;
    /** The share at its beginning, (0, 1]. */
    rampStart?: number | undefined;
    /** Attempts in all, or how. */
    retry?: number | true | RetryOptions | undefined;
    /** Of what is random: jitter and ramp. */
    seed?: number | undefined;
  }

  interface RetryOptions {
    /** In all, the first included. Default 3. */
    attempts?: number;
    /** ms before the second, growing, with jitter. */
    base?: number;
    /** ms at most. */
    cap?: number;
    /** Retries as a share of calls; the rest fails as it is. */
    budget?: { ratio?: number; minimumPerSecond?: number; capacity?: number };
  }

  interface CacheTransport {
    get(key: string): any;
    set(key: string, value: any, ttl: number): void;
    flush(): void;
  }
  type MemoryCache = CacheTransport;

  interface Status extends EventEmitter {
    readonly stats: Stats;
    readonly window: Window;
    on(event: 'snapshot', listener: (snapshot: Stats) => void): this;
    on(event: string | symbol, listener: (...args: any[]) => void): this;
  }
  interface StatusOptions extends Pick<Options, 'rollingCountBuckets' | 'rollingCountTimeout' | 'rollingPercentilesEnabled'
    | 'enableSnapshots' | 'rotateBucketController'> {
    stats?: Partial<Stats>;
  }
  interface Bucket {
    failures: number;
    fallbacks: number;
    successes: number;
    rejects: number;
    fires: number;
    timeouts: number;
    cacheHits: number;
    cacheMisses: number;
    coalesceCacheHits: number;
    coalesceCacheMisses: number;
    semaphoreRejections: number;
    percentiles: { [percentile: number]: number };
    latencyTimes: number[];
    isCircuitBreakerOpen?: boolean;
  }
  type Window = Bucket[];
  interface Stats extends Bucket {
    latencyMean: number;
  }
  interface State {
    name: string;
    enabled: boolean;
    closed: boolean;
    open: boolean;
    halfOpen: boolean;
    warmUp: boolean;
    shutdown: boolean;
    /** When it opened last, ms of Date.now(). */
    lastTimerAt: number | undefined;
  }

  interface Counts {
    calls: number;
    failedCalls: number;
    failureRate: number;
    success: number;
    failure: number;
    timeout: number;
    cancelled: number;
    ignored: number;
    slow: number;
    slowRate: number;
    rescued: number;
    rejected: number;
  }
  interface Transition {
    sequence: number;
    /** ms of performance.now(). */
    at: number;
    from: string;
    to: string;
    reason: string;
    text: string;
    evidence: { counts: Counts; consecutive: number; openFor: number; longestLocalStall: number; [more: string]: unknown };
  }
  interface Explanation {
    name: string;
    state: string;
    text: string;
    since: number;
    remaining: number;
    counts: Counts;
    totals: { success: number; failure: number; timeout: number; cancelled: number; inconclusive: number; rescued: number;
      rejected: number; stale: number; opened: number; halfOpened: number; closed: number; slow: number };
    percentiles: { [percentile: string]: number };
    journal: Transition[];
    [more: string]: unknown;
  }

  interface RegistryOptions<TI extends unknown[] = any[]> {
    /** Breakers kept at most, 1 to 1000000. Default 1024. */
    most?: number;
    /** The host of a call. Default: that of the first argument, a URL. */
    key?: (...args: TI) => string;
  }
  class Registry<TI extends unknown[] = any[], TR = any> extends EventEmitter implements Iterable<[string, CircuitBreaker<TI, TR>]> {
    private constructor();
    of(key: string): CircuitBreaker<TI, TR>;
    fire(...args: TI): Promise<Awaited<TR>>;
    has(key: string): boolean;
    readonly size: number;
    readonly evicted: number;
    shutdown(): void;
    [Symbol.iterator](): Iterator<[string, CircuitBreaker<TI, TR>]>;
  }

  interface PagesOptions {
    /** An IPv4 address. Default 127.0.0.1. */
    host?: string;
    /** Default 0: a free one. */
    port?: number;
  }
  interface Pages {
    readonly host: string;
    readonly port: number;
    readonly url: string;
    close(): void;
  }

  interface ShedOptions {
    /** The wait that is well, ms. Default 5. */
    target?: number;
    /** ms. Default 100. */
    interval?: number;
    /** Older requests are always refused, ms. Default 1000. */
    maxDelay?: number;
    /** Classes, 1 to 8. Default 4. */
    priorities?: number;
    /** 0 is the most important. Default: 1 for all. */
    priority?: (request: any) => number;
    /** Who sent it; those who send much are refused before others. Default: the address. null: no fairness. */
    client?: ((request: any) => string | undefined) | null;
    /** Seconds in Retry-After. Default 1. */
    retryAfter?: number;
    /** True for a request that is not asked about. */
    skip?: (request: any) => boolean;
  }
  interface Shed {
    (request: IncomingMessage, response: ServerResponse, next: (error?: any) => void): void;
    /** Around a handler of http.createServer. */
    wrap(handler: (request: IncomingMessage, response: ServerResponse) => void): (request: IncomingMessage, response: ServerResponse) => void;
    /** A hook: app.addHook('onRequest', shed.fastify). */
    fastify(request: any, reply: any, done: (error?: any) => void): void;
    report(): { admitted: number; overload: number; tooOld: number; share: number; overloaded: boolean; leastDelay: number };
  }
}

export = CircuitBreaker;
