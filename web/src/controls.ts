// The controls: only what the proxy allows, each asked for twice.

import type { Hello } from './protocol';

interface Action {
  label: string;
  title: string;
  text: string;
  yes: string;
  path: (circuit: string) => string;
  body?: string;
}

const CIRCUIT: Action[] = [
  {
    label: 'Force open',
    title: 'Force {} open?',
    text: 'Every request is refused, or gets the fallback, until you choose Automatic or Close.',
    yes: 'Force open',
    path: (c) => `/circuits/${encodeURIComponent(c)}/open`,
  },
  {
    label: 'Close',
    title: 'Close {}?',
    text: 'Calls pass again at once, and the window starts empty. It may open again by itself.',
    yes: 'Close',
    path: (c) => `/circuits/${encodeURIComponent(c)}/close`,
  },
  {
    label: 'Automatic',
    title: 'Give control of {} back to its breaker?',
    text: 'It starts closed with an empty window and decides for itself.',
    yes: 'Automatic',
    path: (c) => `/circuits/${encodeURIComponent(c)}/auto`,
  },
];

const block = (length: number): Action => ({
  label: `Block the loops ${length} ms`,
  title: `Block every event loop for ${length} ms?`,
  text: 'All requests wait that long. Watch the loop lag above, and that no timeout follows from it.',
  yes: 'Block',
  path: () => '/pressure',
  body: JSON.stringify({ block_ms: length, worker: 'all' }),
});

// Several circuits together are not controlled: one has to be chosen.
export function controlled(one: boolean): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('#controls button[data-circuit]')) {
    button.disabled = !one;
    button.title = one ? '' : 'Choose a circuit first';
  }
}

export function controls(hello: Hello, circuit: () => string): void {
  const host = document.getElementById('controls') as HTMLElement;
  const note = document.getElementById('controls-note') as HTMLElement;
  const allowed = [...(hello.control ? CIRCUIT : []), ...(hello.pressure ? [block(100), block(600)] : [])];
  const missing = [
    ...(hello.control ? [] : ['The circuit cannot be controlled here: the proxy runs with --no-control.']),
    ...(hello.pressure ? [] : ['Pressure is off: it needs --allow-pressure.']),
  ];
  const wanted = allowed.map((action) => action.label).join();
  if (host.dataset['shows'] === wanted) return;
  host.dataset['shows'] = wanted;
  note.textContent = missing.join(' ');
  host.replaceChildren(
    ...allowed.map((action) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = action.label;
      if (CIRCUIT.includes(action)) button.dataset['circuit'] = '';
      button.addEventListener('click', () => void ask(action, circuit(), note));
      return button;
    }),
  );
}

async function ask(action: Action, circuit: string, note: HTMLElement): Promise<void> {
  if (!(await confirmed(action, circuit))) return;
  try {
    const init: RequestInit = { method: 'POST' };
    if (action.body !== undefined) init.body = action.body;
    const answer = await fetch(action.path(circuit), init);
    note.textContent = answer.ok ? `Done: ${action.label.toLowerCase()}${action.title.includes('{}') ? `, ${circuit}` : ''}.` : `Refused (${answer.status}): ${await answer.text()}`;
  } catch {
    note.textContent = 'The proxy cannot be reached.';
  }
}

function confirmed(action: Action, circuit: string): Promise<boolean> {
  const dialog = document.getElementById('confirm') as HTMLDialogElement;
  (document.getElementById('confirm-title') as HTMLElement).textContent = action.title.replace('{}', `the circuit “${circuit}”`);
  (document.getElementById('confirm-text') as HTMLElement).textContent = action.text;
  (document.getElementById('confirm-yes') as HTMLElement).textContent = action.yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
