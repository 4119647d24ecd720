import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import type { Handlers, ListenerOptions } from './handler.ts';
import { startListener, type Listener } from './listener.ts';
import { locatePaths, type Paths } from '../paths.ts';
import type { Refusal } from './peer.ts';
import { createPlatform, type Platform } from '../platform/index.ts';
import { Decoder, encode, maxAnswer, type Frame } from '../protocol/framing.ts';
import { protocolVersion, type SecretSummary } from '../protocol/messages.ts';

/** A home of its own for one test, 0700, gone with `remove`. */
export function temporaryHome(): { readonly paths: Paths; remove(): void } {
  const home = mkdtempSync(join(tmpdir(), 'broker-'));
  return {
    paths: locatePaths({ home }),
    remove() {
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface TestListener extends Listener {
  readonly clock: FakeClock;
  readonly refusals: readonly Refusal[];
  /** `method code` of each bug that was reported. */
  readonly bugs: readonly string[];
  /** The values that `secret.set` was given, as text. */
  readonly values: readonly string[];
  readonly seen: {
    /** Attachments as the handlers met them, to see whether they were wiped. */
    readonly buffers: Uint8Array[];
    /** Names of the `secret.show` requests that were aborted. */
    readonly aborted: string[];
    lost: number;
  };
}

/** How the fixture's `secret.show` treats a name: fails, throws a bug, never ends, or gives it back. */
export const names = { denied: 'DENIED', bug: 'BUG', endless: 'ENDLESS', large: 'LARGE' } as const;

export async function startTestListener(
  paths: Paths,
  overrides: Partial<ListenerOptions> = {},
): Promise<TestListener> {
  const clock = fakeClock();
  const refusals: Refusal[] = [];
  const bugs: string[] = [];
  const values: string[] = [];
  const seen: TestListener['seen'] = { buffers: [], aborted: [], lost: 0 };
  const listener = await startListener({
    paths,
    platform: createPlatform(),
    clock,
    version: '9.9.9',
    limits: { frame: 256 * 1024, connections: 100, connectionsPerProcess: 50 },
    handlers: testHandlers(values, seen),
    onRefused: (refusal) => refusals.push(refusal),
    onLost: () => {
      seen.lost += 1;
    },
    onInternalError: ({ method, code }) => bugs.push(`${method} ${code}`),
    ...overrides,
  });
  return {
    clock,
    refusals,
    bugs,
    values,
    seen,
    get connections() {
      return listener.connections;
    },
    stop: (graceMs) => listener.stop(graceMs),
  };
}

function testHandlers(values: string[], seen: TestListener['seen']): Handlers {
  const handlers: Partial<Handlers> = {
    async 'secret.show'({ name }, { signal }) {
      if (name === names.denied) {
        throw new BrokerError('ERR_DENIED', 'no', { hint: 'ask', subject: name });
      }
      if (name === names.bug) throw new Error('hunter2 in a message of a library');
      if (name === names.endless) {
        await new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen.aborted.push(name);
            reject(signal.reason as Error);
          });
        });
      }
      return { result: summary(name === names.large ? 'x'.repeat(100_000) : name) };
    },
    async 'secret.set'({ name }, { attachments }) {
      values.push(...attachments.map(String));
      seen.buffers.push(...attachments);
      return { result: { name, backend: 'test', created: true, changed: true } };
    },
    'launch.started': async () => ({ result: {} }),
    'launch.ended': async () => ({ result: {} }),
    async 'launch.take'({ ticket }) {
      const attachments = [Buffer.from(`value of ${ticket}`), Buffer.alloc(0)];
      seen.buffers.push(...attachments);
      return { result: { values: { '$<A>': 0, '$<B>': 1, '$<C>': null } }, attachments };
    },
    async 'audit.tail'({ lines }, { connection }) {
      for (let line = 0; line < lines; line += 1) {
        connection.send('audit.line', { line: `line ${line}` });
      }
      return { result: { lines: [] } };
    },
  };
  return handlers as Handlers;
}

function summary(name: string): SecretSummary {
  return { name, backend: 'test', locator: name, ttlMs: 0 };
}

export const hello: object = {
  jsonrpc: '2.0',
  id: 0,
  method: 'broker.hello',
  params: { protocol: protocolVersion, client: 'test' },
};

export function show(id: number, name: string): object {
  return { jsonrpc: '2.0', id, method: 'secret.show', params: { name } };
}

/** A socket that says what the test tells it to. */
export interface RawClient {
  readonly socket: Socket;
  /** An object goes out as a message; text and bytes as they are. */
  write(...parts: readonly (object | string | Uint8Array)[]): void;
  /** The next message; rejects when the connection ends before it. */
  next(): Promise<Frame>;
  /** All messages until the connection ends. */
  rest(): Promise<Frame[]>;
}

export function rawClient(path: string): RawClient {
  const socket = createConnection(path);
  const decoder = new Decoder({ frame: maxAnswer });
  const frames: Frame[] = [];
  const state = { ended: false };
  let wake: (() => void) | undefined;
  const change = (): void => {
    wake?.();
    wake = undefined;
  };
  socket.on('data', (chunk: Buffer) => {
    frames.push(...decoder.push(chunk));
    change();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.ended = true;
    change();
  });
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  return {
    socket,
    write(...parts) {
      for (const part of parts) {
        if (typeof part === 'string' || part instanceof Uint8Array) socket.write(part);
        else socket.write(encode(part));
      }
    },
    async next() {
      while (frames.length === 0) {
        if (state.ended) throw new Error('the connection ended');
        await changed();
      }
      return frames.shift() as Frame;
    },
    async rest() {
      while (!state.ended) await changed();
      return frames.splice(0);
    },
  };
}

/** The platform with some of its answers changed; where it is told by start times, it holds no process. */
export function platformWith(changes: Partial<Platform>): Platform {
  const byStartTime = changes.startTime === undefined ? {} : { holdPeer: () => undefined };
  return { ...createPlatform(), ...byStartTime, ...changes };
}
