import { BrokerError, toBrokerError, type ErrorCode } from '@mcp-broker/providers/errors';
import type { Channel } from './channel.ts';
import type { Clock } from '../clock.ts';
import { startDeadline } from './deadline.ts';
import type { Connection, Context, Handlers, Outcome } from './handler.ts';
import type { Peer } from './peer.ts';
import { errorAnswer, readEnvelope, rpcCodes, type Envelope } from '../protocol/envelope.ts';
import { wipe, type Frame } from '../protocol/framing.ts';
import { protocolVersion, type Events, type Method } from '../protocol/messages.ts';
import { checkRequest, readCancel, readHello } from '../protocol/validate.ts';

/** How long a client may take to say its hello. */
export const helloMs = 2000;
/** Requests of one connection that may run at once. */
const maxConcurrent = 1024;

/** One for all sessions: there may be ten thousand. */
export interface SessionOptions {
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly version: string;
  /** Something failed that is a bug of ours. */
  readonly onInternalError: (report: { readonly method: Method; readonly code: ErrorCode }) => void;
  /** The last request under way has been answered. */
  readonly onIdle: () => void;
}

/** The conversation on one connection: hello first, then requests that run beside each other. */
export class Session implements Connection {
  readonly id: number;
  readonly #options: SessionOptions;
  readonly #peer: Peer;
  readonly #channel: Channel;
  readonly #running = new Map<number, Asked>();
  readonly #onClose: (() => void)[] = [];
  #cancelHello: (() => void) | undefined;
  #client: string | undefined;
  #state: 'new' | 'open' | 'draining' | 'closed' = 'new';

  constructor(id: number, peer: Peer, channel: Channel, options: SessionOptions) {
    this.id = id;
    this.#options = options;
    this.#peer = peer;
    this.#channel = channel;
    this.#cancelHello = startDeadline(options.clock, helloMs, () => {
      this.fail(noHello(`no hello within ${helloMs / 1000} s`));
    });
  }

  get idle(): boolean {
    return this.#running.size === 0;
  }

  send<E extends keyof Events>(event: E, params: Events[E]): void {
    if (this.#state === 'open') {
      this.#channel.event({ jsonrpc: '2.0', method: event, params });
    }
  }

  onClose(action: () => void): void {
    if (this.#state === 'closed') action();
    else this.#onClose.push(action);
  }

  /** Says what is wrong with the connection as a whole, and ends it. */
  fail(error: BrokerError, code?: number): void {
    this.#channel.answer(errorAnswer(null, error, code));
    this.#channel.hangUp();
  }

  /** Takes no further requests; those under way go on. */
  drain(): void {
    this.#state = 'draining';
  }

  /** The connection has gone: nobody waits for what is under way. */
  closed(): void {
    this.#state = 'closed';
    this.#cancelHello?.();
    for (const asked of this.#running.values()) asked.abort();
    for (const action of this.#onClose.splice(0)) action();
  }

  accept(frame: Frame): void {
    try {
      const envelope = readEnvelope(frame.message);
      if (envelope.id !== undefined && this.#state !== 'new') {
        this.#start(envelope.id, envelope, frame.attachments);
        return;
      }
      wipe(frame.attachments);
      if (envelope.id === undefined) this.#notified(envelope);
      else this.#greet(envelope.id, envelope);
    } catch (error) {
      wipe(frame.attachments);
      this.fail(toBrokerError(error), rpcCodes.invalidRequest);
    }
  }

  #notified({ method, params }: Envelope): void {
    if (this.#state === 'new') throw noHello('the first message has to be `broker.hello`');
    if (method !== 'request.cancel') throw unknownMethod(method);
    this.#running.get(readCancel(params).id)?.abort();
  }

  #greet(id: number, { method, params }: Envelope): void {
    if (method !== 'broker.hello') throw noHello('the first message has to be `broker.hello`');
    const channel = this.#channel;
    const { version } = this.#options;
    const hello = readHello(params);
    if (hello.protocol !== protocolVersion) {
      channel.answer(errorAnswer(id, otherVersion(hello.protocol)));
      channel.hangUp();
      return;
    }
    this.#cancelHello?.();
    this.#cancelHello = undefined;
    this.#client = hello.client;
    this.#state = 'open';
    const result = { protocol: protocolVersion, version, pid: process.pid };
    channel.answer({ jsonrpc: '2.0', id, result });
  }

  #start(id: number, { method, params }: Envelope, attachments: readonly Buffer[]): void {
    const channel = this.#channel;
    const { handlers } = this.#options;
    if (this.#running.has(id)) throw idInUse(id);
    const refuse = (error: BrokerError, code?: number): void => {
      wipe(attachments);
      channel.answer(errorAnswer(id, error, code));
    };
    if (this.#state === 'draining') return refuse(stopping());
    if (this.#running.size >= maxConcurrent) return refuse(tooManyRequests());
    if (!isServed(handlers, method)) return refuse(unknownMethod(method), rpcCodes.methodNotFound);
    let checked: unknown;
    try {
      checked = checkRequest(method, params, attachments.length);
    } catch (error) {
      return refuse(toBrokerError(error), rpcCodes.invalidParams);
    }
    void this.#run(id, method, checked, attachments);
  }

  /** Never rejects. */
  async #run(
    id: number,
    method: ServedMethod,
    params: unknown,
    attachments: readonly Buffer[],
  ): Promise<void> {
    const channel = this.#channel;
    const { handlers, onIdle } = this.#options;
    const asked = new Asked(this, this.#peer, this.#client, attachments);
    this.#running.set(id, asked);
    let outcome: Outcome<ServedMethod> | undefined;
    try {
      // The pair fits: `params` has just been checked against the method's own schema.
      outcome = await (handlers[method] as AnyHandler)(params, asked);
      // Nobody wants it any more, and what nobody wants does not leave.
      if (asked.aborted) throw aborted();
      channel.answer({ jsonrpc: '2.0', id, result: outcome.result }, outcome.attachments);
    } catch (error) {
      this.#failed(id, method, error);
    } finally {
      wipe(attachments);
      wipe(outcome?.attachments ?? []);
      this.#running.delete(id);
      if (this.idle) onIdle();
    }
  }

  #failed(id: number, method: Method, thrown: unknown): void {
    const error = toBrokerError(thrown);
    if (error.code === 'ERR_INTERNAL') this.#options.onInternalError({ method, code: error.code });
    this.#channel.answer(errorAnswer(id, error));
  }
}

/** One request under way. Few handlers look at its signal, and a signal takes longer than all the rest. */
class Asked implements Context {
  readonly connection: Connection;
  readonly peer: Peer;
  readonly client: string | undefined;
  readonly attachments: readonly Buffer[];
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(
    connection: Connection,
    peer: Peer,
    client: string | undefined,
    attachments: readonly Buffer[],
  ) {
    this.connection = connection;
    this.peer = peer;
    this.client = client;
    this.attachments = attachments;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(aborted());
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(aborted());
  }
}

type ServedMethod = keyof Handlers;
type AnyHandler = (params: unknown, context: Context) => Promise<Outcome<ServedMethod>>;

function isServed(handlers: Handlers, method: string): method is ServedMethod {
  return Object.hasOwn(handlers, method);
}

function noHello(message: string): BrokerError {
  return new BrokerError('ERR_PROTOCOL', message, { hint: 'see docs/PROTOCOL.md' });
}

function otherVersion(theirs: number): BrokerError {
  const message = `the client speaks protocol ${theirs} and the daemon protocol ${protocolVersion}`;
  return new BrokerError('ERR_PROTOCOL', message, { hint: 'mcp daemon restart' });
}

function unknownMethod(method: string): BrokerError {
  // What a client calls a method may be anything; only what looks like one is repeated.
  const name = /^[a-z]{1,32}\.[a-z]{1,32}$/u.test(method) ? ` \`${method}\`` : '';
  return new BrokerError('ERR_PROTOCOL', `the daemon knows no such method${name}`, {
    hint: 'mcp daemon restart, if the daemon is older than the client',
  });
}

function idInUse(id: number): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `a request with the id ${id} is still under way`, {
    hint: 'see docs/PROTOCOL.md',
  });
}

function tooManyRequests(): BrokerError {
  const message = `more than ${maxConcurrent} requests at once on one connection`;
  return new BrokerError('ERR_PROTOCOL', message, { hint: 'wait for answers', retryable: true });
}

function stopping(): BrokerError {
  return new BrokerError('ERR_DAEMON_UNREACHABLE', 'the daemon is stopping', {
    hint: 'try again',
    retryable: true,
  });
}

function aborted(): BrokerError {
  return new BrokerError('ERR_ABORTED', 'the request was cancelled', { hint: 'try again' });
}
