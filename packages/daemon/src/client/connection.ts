import { createConnection, type Socket } from 'node:net';
import { BrokerError, exitCodes, type ErrorShape } from '@mcp-broker/providers/errors';
import { joinSecrets, secretBytes } from '@mcp-broker/providers/secret-bytes';
import type { CallExtras, Client, Reply } from './client.ts';
import { Decoder, encode, maxAnswer, wipe, type Frame } from '../protocol/framing.ts';
import { protocolVersion, type Events, type Method, type Methods } from '../protocol/messages.ts';

const readBytes = 64 * 1024;
const helloId = 0;

interface Pending {
  resolve(reply: Reply<Method>): void;
  reject(error: BrokerError): void;
}

/** The client's end of a connection. */
export class ClientConnection implements Client {
  /** False: nobody listens. Rejects when the socket cannot be connected to for another reason. */
  readonly opened: Promise<boolean>;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #claim: string | undefined;
  readonly #decoder: Decoder = new Decoder({ frame: maxAnswer });
  readonly #pending = new Map<number, Pending>();
  /** Answers to these still come, and nobody waits for them. */
  readonly #cancelled = new Set<number>();
  readonly #listeners = new Map<string, ((params: unknown) => void)[]>();
  #lastId = helloId;
  #greeted = false;
  /** Why nothing can be called any more. */
  #failure: BrokerError | undefined;
  readonly #settleClosed: (error?: BrokerError) => void;

  constructor(path: string, claim: string | undefined) {
    this.#claim = claim;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.#settleClosed = (error) => {
      if (error === undefined) closed.resolve();
      else closed.reject(error);
    };
    // Whoever does not look at it hears of it from the calls.
    this.closed.catch(() => undefined);
    // One buffer for all reads: values pass through it, and the decoder overwrites them there.
    const buffer = secretBytes(readBytes);
    this.#socket = createConnection({
      path,
      onread: {
        buffer,
        callback: (length) => {
          this.#read(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.opened = this.#open();
  }

  call<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    { attachments, signal }: CallExtras = {},
  ): Promise<Reply<M>> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply<M>>();
    if (this.#failure !== undefined) {
      reject(this.#failure);
      return promise;
    }
    if (signal?.aborted === true) {
      reject(aborted());
      return promise;
    }
    const id = (this.#lastId += 1);
    const onAbort = (): void => {
      this.#cancel(id);
    };
    signal?.addEventListener('abort', onAbort);
    this.#pending.set(id, {
      resolve: (reply) => {
        signal?.removeEventListener('abort', onAbort);
        // The daemon answers with what its method gives.
        resolve(reply as Reply<M>);
      },
      reject: (error) => {
        signal?.removeEventListener('abort', onAbort);
        reject(error);
      },
    });
    this.#write({ jsonrpc: '2.0', id, method, params }, attachments);
    return promise;
  }

  on<E extends keyof Events>(event: E, listener: (params: Events[E]) => void): void {
    const listeners = this.#listeners.get(event) ?? [];
    listeners.push(listener as (params: unknown) => void);
    this.#listeners.set(event, listeners);
  }

  close(): void {
    this.#end(unreachable('the connection to the daemon was closed'), true);
  }

  #open(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      socket.on('connect', () => {
        resolve(true);
        // With the first request if there is one right away, and else alone: the daemon waits for it.
        setImmediate(() => {
          if (!this.#greeted && this.#failure === undefined) socket.write(this.#greeting());
        });
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        const { code } = error;
        if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN') resolve(false);
        else reject(unreachable(`the daemon's socket failed with ${code ?? 'no code'}`));
      });
      socket.on('close', () => {
        this.#end(unreachable('the daemon went away'), false);
      });
    });
  }

  #write(message: object, attachments?: readonly Uint8Array[]): void {
    const encoded = encode(message, attachments);
    // One write: it takes a fraction of what corking several does.
    const bytes = this.#greeted ? encoded : concatenate([this.#greeting(), encoded]);
    this.#socket.write(bytes, () => {
      bytes.fill(0);
    });
  }

  #greeting(): Buffer {
    this.#greeted = true;
    const client = this.#claim === undefined ? {} : { client: this.#claim };
    const params = { protocol: protocolVersion, ...client };
    return encode({ jsonrpc: '2.0', id: helloId, method: 'broker.hello', params });
  }

  #cancel(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#cancelled.add(id);
    this.#write({ jsonrpc: '2.0', method: 'request.cancel', params: { id } });
    pending.reject(aborted());
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#take(frame);
    } catch (error) {
      this.#end(error instanceof BrokerError ? error : broken(), false);
    }
  }

  #take({ message, attachments }: Frame): void {
    const { id, method, params, result, error } = message;
    if (id === undefined && typeof method === 'string') {
      wipe(attachments);
      for (const listener of this.#listeners.get(method) ?? []) listener(params);
      return;
    }
    if (error !== undefined && (id === null || id === helloId)) throw readError(error);
    if (typeof id !== 'number' || (error === undefined && !isObject(result))) throw broken();
    if (id === helloId || this.#cancelled.delete(id)) {
      wipe(attachments);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) throw broken();
    this.#pending.delete(id);
    if (error !== undefined) pending.reject(readError(error));
    else pending.resolve({ result, attachments } as Reply<Method>);
  }

  #end(error: BrokerError, wanted: boolean): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#decoder.end();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#settleClosed(wanted ? undefined : error);
  }
}

/** The buffers in one; they are wiped. */
function concatenate(buffers: readonly Buffer[]): Buffer {
  const all = joinSecrets(buffers);
  wipe(buffers);
  return all;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function readError(error: unknown): BrokerError {
  const shape = isObject(error) ? readShape(error['data']) : undefined;
  return shape === undefined ? broken() : BrokerError.fromShape(shape);
}

/** What another process calls an error of ours, or undefined when it is none. */
export function readShape(value: unknown): ErrorShape | undefined {
  if (!isObject(value)) return undefined;
  const { code, message, hint, subject, retryable, problems } = value;
  if (typeof code !== 'string' || !Object.hasOwn(exitCodes, code)) return undefined;
  if (typeof message !== 'string') return undefined;
  return {
    code: code as ErrorShape['code'],
    message,
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof subject === 'string' ? { subject } : {}),
    ...(retryable === true ? { retryable } : {}),
    ...(Array.isArray(problems)
      ? { problems: problems.map(readShape).filter((shape) => shape !== undefined) }
      : {}),
  };
}

function unreachable(message: string): BrokerError {
  return new BrokerError('ERR_DAEMON_UNREACHABLE', message, {
    hint: 'mcp daemon status, or mcp daemon logs',
    retryable: true,
  });
}

function broken(): BrokerError {
  return new BrokerError('ERR_PROTOCOL', 'the daemon gave an answer that breaks the protocol', {
    hint: 'mcp daemon restart',
  });
}

function aborted(): BrokerError {
  return new BrokerError('ERR_ABORTED', 'the request was cancelled', { hint: 'try again' });
}
