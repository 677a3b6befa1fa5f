// The connection to /events. It comes back by itself, asks only for what it missed, and says how it is doing.

import type { Hello, Rows, Status, Transition } from './protocol';

export interface Handlers {
  hello(hello: Hello): void;
  journal(list: Transition[]): void;
  rows(rows: Rows): void;
  transition(transition: Transition): void;
  status(status: Status): void;
  link(state: 'live' | 'lost'): void;
  seen(): number | undefined;
}

const RETRY_MS = 700;
const SILENCE_MS = 8000; // the proxy sends a row a second

export function connect(handlers: Handlers): void {
  let source: EventSource | undefined;
  let watchdog = 0;

  const again = (): void => {
    source?.close();
    source = undefined;
    window.clearTimeout(watchdog);
    handlers.link('lost');
    window.setTimeout(open, RETRY_MS);
  };
  const alive = (): void => {
    window.clearTimeout(watchdog);
    watchdog = window.setTimeout(again, SILENCE_MS);
  };
  const on = <T>(name: string, handle: (data: T) => void): void => {
    source?.addEventListener(name, (event) => {
      alive();
      handle(JSON.parse((event as MessageEvent<string>).data) as T);
    });
  };
  const open = (): void => {
    const seen = handlers.seen();
    source = new EventSource(seen === undefined ? '/events' : `/events?since=${seen}`);
    source.onerror = again;
    on<Hello>('hello', (hello) => {
      handlers.hello(hello);
      handlers.link('live');
    });
    on<Transition[]>('journal', handlers.journal);
    on<Rows>('history', handlers.rows);
    on<Rows>('row', handlers.rows);
    on<Transition>('transition', handlers.transition);
    on<Status>('status', handlers.status);
    alive();
  };
  open();
}
