import type { CallExtras, Client, Reply } from '@mcp-broker/daemon/client';
import { locatePaths } from '@mcp-broker/daemon/client';
import { BrokerError, type Method, type Methods } from '@mcp-broker/daemon/protocol';

import type { Key } from '../output/key-reader.ts';
import { createOutput } from '../output/print.ts';
import type { Terminal } from '../output/prompt.ts';
import type { Session } from './session.ts';

/** What a daemon would answer, by method. */
export type Answers = {
  readonly [M in Method]?: (params: Methods[M]['params']) => Methods[M]['result'];
};

export interface FakeOptions {
  readonly answers?: Answers;
  /** What comes with an answer. */
  readonly attachments?: { readonly [M in Method]?: string };
  /** Lines typed on the terminal, in turn; undefined: there is no terminal. */
  readonly typed?: readonly (string | ((shown: string) => string))[];
  /** Keys pressed between pages, in turn; then always `page`. */
  readonly keys?: readonly Key[];
  readonly rows?: number;
  readonly columns?: number;
  readonly stdoutIsTerminal?: boolean;
  readonly descriptors?: Readonly<Record<number, string>>;
  readonly running?: boolean;
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface FakeSession extends Session {
  readonly stdout: string;
  readonly stderr: string;
  /** What was shown on the terminal, questions included. */
  readonly shown: string;
  readonly calls: readonly { method: Method; params: unknown; attachments: readonly string[] }[];
  /** Buffers that a command held and was to wipe. */
  readonly held: readonly Uint8Array[];
  readonly started: number;
  readonly closed: number;
}

/** A session without a daemon, terminal or disk: it answers as it was told, and keeps what was said. */
export function createFakeSession(options: FakeOptions = {}): FakeSession {
  const { answers = {}, descriptors = {}, running = true } = options;
  const typed = options.typed === undefined ? undefined : [...options.typed];
  const keys = [...(options.keys ?? [])];
  const calls: { method: Method; params: unknown; attachments: string[] }[] = [];
  const held: Uint8Array[] = [];
  const text = { stdout: '', stderr: '', shown: '' };
  const count = { started: 0, closed: 0 };
  const hold = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    held.push(bytes);
    return bytes;
  };

  const client: Client = {
    async call<M extends Method>(
      method: M,
      params: Methods[M]['params'],
      extras: CallExtras = {},
    ): Promise<Reply<M>> {
      const attachments = extras.attachments ?? [];
      held.push(...attachments);
      calls.push({
        method,
        params,
        attachments: attachments.map((bytes) => Buffer.from(bytes).toString()),
      });
      const answer = answers[method] as ((params: unknown) => Methods[M]['result']) | undefined;
      if (answer === undefined) throw new BrokerError('ERR_INTERNAL', `no answer for ${method}`);
      const attached = options.attachments?.[method];
      return {
        result: answer(params),
        attachments: attached === undefined ? [] : [hold(attached)],
      };
    },
    on: () => {},
    closed: Promise.resolve(),
    close: () => {
      count.closed += 1;
    },
  };

  const terminal: Terminal = {
    write: (more) => {
      text.shown += typeof more === 'string' ? more : Buffer.from(more).toString('latin1');
      if (typeof more !== 'string') held.push(more);
    },
    size: () => ({ rows: options.rows ?? 1000, columns: options.columns ?? 1000 }),
    async key(prompt) {
      text.shown += prompt;
      return keys.shift() ?? 'page';
    },
    async ask(question) {
      text.shown += question;
      const next = typed?.shift() ?? '';
      return hold(typeof next === 'string' ? next : next(text.shown));
    },
    close: () => {},
  };

  return {
    paths: locatePaths({ home: options.home ?? '/nonexistent/home', environment: {} }),
    configGiven: false,
    environment: {},
    stdinIsTerminal: false,
    stdoutIsTerminal: options.stdoutIsTerminal ?? false,
    output: createOutput({
      json: options.json ?? false,
      quiet: options.quiet ?? false,
      colour: false,
      stdout: { write: (more) => (text.stdout += more) },
      stderr: { write: (more) => (text.stderr += more) },
    }),
    connect: async () => {
      count.started += 1;
      return client;
    },
    reach: async () => (running ? client : undefined),
    openTerminal: () => (typed === undefined ? undefined : terminal),
    readDescriptor: async (fd) => hold(descriptors[fd] ?? ''),
    now: () => Date.parse('2026-01-01T00:00:00Z'),
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
    get shown() {
      return text.shown;
    },
    calls,
    held,
    get started() {
      return count.started;
    },
    get closed() {
      return count.closed;
    },
  };
}
