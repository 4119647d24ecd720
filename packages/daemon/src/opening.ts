import { toBrokerError } from '@mcp-broker/providers/errors';
import { caller, type Broker } from './broker.ts';
import type { Context, Handlers } from './listener/handler.ts';
import type { Method } from './protocol/messages.ts';
import { unlocking } from './unlocking.ts';

/** Opens a home on the keychain, which asks no person for a passphrase. */
export interface Opening {
  /**
   * Asks the keychain, once for all that wait for it; does nothing while the home is open, and in a home
   * on the sealed file. Throws what `KeychainHome.read` does.
   */
  open(by?: Context): Promise<void>;
  /** An attempt that is under way; it never rejects. */
  readonly underWay: Promise<void> | undefined;
}

export function createOpening(
  broker: Pick<Broker, 'keyring' | 'keychain' | 'audit' | 'auditKeys'>,
  /** A key was read: what is opened with it, such as a sealed file that a file opens. */
  onOpened: () => Promise<void>,
): Opening {
  const { keyring, keychain } = broker;
  let opening: Promise<void> | undefined;

  const attempt = async (by: Context | undefined): Promise<void> => {
    const who = by === undefined ? { pid: process.pid } : caller(by);
    await unlocking(broker, { backend: 'keychain', ...who }, () => keyring.open());
    await onOpened();
  };

  return {
    open(by) {
      if (keyring.source === 'sealed' || keyring.unlocked) return Promise.resolve();
      // A person will, and the audit need not say each time that nobody has.
      if (keychain.isShut) return Promise.reject(keychain.closed());
      opening ??= attempt(by).finally(() => {
        opening = undefined;
      });
      return opening;
    },
    get underWay() {
      return opening?.catch(() => undefined);
    },
  };
}

/** What needs the home open. Of these, what says by itself that it is closed needs no error of ours. */
const waiting = [
  'launch.request',
  'approval.grant',
  'approval.deny',
  'grant.list',
  'grant.revoke',
  'audit.verify',
] as const satisfies readonly Method[];
/** The keychain would answer these also while the home is locked, or a person would type a code in vain. */
const closed = [
  'approval.open',
  'sealed.create',
  'secret.set',
  'secret.list',
  'secret.show',
  'secret.open',
  'secret.reveal',
  'secret.remove',
  'secret.move',
  'secret.history',
  'backend.test',
] as const satisfies readonly Method[];

type Action = (params: object, context: Context) => Promise<never>;

/** The handlers, before some of which a home on the keychain is opened. */
export function openFirst(
  { keyring, opening }: Pick<Broker, 'keyring' | 'opening'>,
  handlers: Handlers,
): Handlers {
  const opened: Partial<Record<Method, Action>> = {};
  for (const method of [...waiting, ...closed]) {
    const isClosed = (closed as readonly Method[]).includes(method);
    // What each takes and gives stays as it is.
    const handle = handlers[method] as Action;
    opened[method] = (params, context) => {
      // Nothing is put in between on the way of a launch.
      if (keyring.unlocked || keyring.source === 'sealed') return handle(params, context);
      return opening
        .open()
        .catch((error: unknown) => {
          if (isClosed) throw toBrokerError(error);
        })
        .then(() => handle(params, context));
    };
  }
  return { ...handlers, ...(opened as Partial<Handlers>) };
}
