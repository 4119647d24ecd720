import { BrokerError } from '../errors.ts';
import type { CallOptions } from '../provider.ts';
import { copySecret } from '../secret-bytes.ts';
import type { HelperRequest } from './frames.ts';
import { startHelper, type Helper } from './helper.ts';
import { keychainError, notWaitedFor, type KeychainProblem } from './problem.ts';
import { isBusSpeaking } from './session-bus.ts';
import { systemKeychain } from './system.ts';

/**
 * Bytes under a service and a name in the keychain of this system. Every call ends: by its answer, its
 * signal (`ERR_ABORTED`) or the time limit. Other errors are those of `keychainError`.
 */
export interface KeychainAccess {
  /** In memory of its own, which the caller wipes. */
  get(service: string, name: string, options: CallOptions): Promise<Buffer | undefined>;
  /** Takes a copy at once. */
  put(service: string, name: string, bytes: Uint8Array, options: CallOptions): Promise<void>;
  /** `false` when there was nothing to delete. */
  delete(service: string, name: string, options: CallOptions): Promise<boolean>;
  /**
   * The names of the items of a service, as the library finds them: it reads the value of each. Binary
   * values do no harm, since they stay in the helper, which ends.
   */
  names(service: string, options: CallOptions): Promise<readonly string[]>;
  /** Ends the helper, and what waits for it with `ERR_LOCKED`; the next call starts another. */
  close(): void;
}

export interface KeychainContext {
  /** Address of the session bus, if there is one. Asked at each call. */
  readonly sessionBus: () => string | undefined;
  /** Calls once after so many milliseconds, and gives the cancel. */
  readonly after: (ms: number, action: () => void) => () => void;
  /** A dialog may be open that nobody sees. */
  readonly limitMs?: number;
  /** How long a helper without work stays. */
  readonly idleMs?: number;
}

interface Found {
  readonly found: boolean;
  readonly body: Buffer;
}

/** Asked, and not answered yet. */
interface Call {
  readonly settle: (outcome: Found | KeychainProblem) => void;
}

/** Less than the resolver waits, so that the error names the keychain. */
const defaultLimitMs = 20_000;
const defaultIdleMs = 60_000;

export function createKeychainAccess(context: KeychainContext): KeychainAccess {
  const { sessionBus, after, limitMs = defaultLimitMs, idleMs = defaultIdleMs } = context;
  const { needsBus } = systemKeychain();
  const calls = new Map<number, Call>();
  let lastId = 0;
  let cancelIdle = (): void => {};
  let helper:
    | {
        readonly bus: string | undefined;
        readonly started: Promise<Helper>;
        readonly end: () => void;
      }
    | undefined;

  /** What runs in the helper cannot be called off otherwise, and the calls behind it get no turn. */
  const end = (problem: KeychainProblem): void => {
    cancelIdle();
    helper?.end();
    helper = undefined;
    for (const { settle } of calls.values()) settle(problem);
  };

  const settle = (id: number, outcome: Found | KeychainProblem): void => {
    calls.get(id)?.settle(outcome);
    if (calls.size > 0) return;
    cancelIdle();
    cancelIdle = after(idleMs, () => {
      end('failed');
    });
  };

  const start = (): Promise<Helper> => {
    const bus = needsBus ? sessionBus() : undefined;
    if (helper !== undefined && helper.bus === bus) return helper.started;
    // The bus has changed: what was asked on the one before ends with it.
    if (helper !== undefined) end('no-bus');
    const stopping = new AbortController();
    let running: Helper | undefined;
    const started = (async (): Promise<Helper> => {
      if (needsBus && (bus === undefined || !(await isBusSpeaking(bus, stopping.signal)))) {
        throw keychainError('no-bus');
      }
      running = startHelper(bus, {
        onAnswer: ({ id, found, problem }, body) => {
          if (problem === undefined && calls.has(id)) settle(id, { found: found === true, body });
          else {
            body.fill(0);
            settle(id, problem ?? 'failed');
          }
        },
        onEnd: () => {
          if (helper === current) end('failed');
        },
      });
      return running;
    })();
    const current = {
      bus,
      started,
      end: (): void => {
        stopping.abort();
        running?.end();
      },
    };
    helper = current;
    started.catch(() => {
      if (helper === current) helper = undefined;
    });
    return started;
  };

  const ask = async (
    request: Omit<HelperRequest, 'id'>,
    { signal }: CallOptions,
    bytes?: Uint8Array,
  ): Promise<Found> => {
    if (signal.aborted) throw notWaitedFor();
    const copy = bytes && copySecret(bytes);
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    lastId += 1;
    const id = lastId;
    // It begins when the call is asked, in the queue as well, and goes on when its caller has gone.
    const cancelLimit = after(limitMs, () => {
      end('silent');
    });
    const starting = start();
    cancelIdle();
    calls.set(id, {
      settle: (outcome) => {
        cancelLimit();
        calls.delete(id);
        if (typeof outcome === 'string') reject(keychainError(outcome));
        else if (signal.aborted) outcome.body.fill(0);
        else resolve(outcome);
      },
    });
    const onAbort = (): void => {
      reject(notWaitedFor());
    };
    signal.addEventListener('abort', onAbort);
    starting
      .then((running) => {
        if (signal.aborted) settle(id, 'failed');
        else if (calls.has(id)) running.ask({ ...request, id }, copy);
      })
      .catch((error: unknown) => {
        settle(id, error instanceof BrokerError ? 'no-bus' : 'failed');
      })
      .finally(() => copy?.fill(0));
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };

  return {
    async get(service, name, options) {
      const { found, body } = await ask({ action: 'get', service, name }, options);
      return found ? body : undefined;
    },
    async put(service, name, bytes, options) {
      await ask({ action: 'put', service, name }, options, bytes);
    },
    async delete(service, name, options) {
      return (await ask({ action: 'delete', service, name }, options)).found;
    },
    async names(service, options) {
      const { body } = await ask({ action: 'names', service, name: '' }, options);
      const names = JSON.parse(body.toString('utf8')) as readonly string[];
      // It may hold values now.
      if (calls.size === 0) end('failed');
      return names;
    },
    close: () => {
      end('closed');
    },
  };
}
