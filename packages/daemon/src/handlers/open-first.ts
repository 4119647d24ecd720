import { existsSync } from 'node:fs';
import { toBrokerError } from '@mcp-broker/providers/errors';
import type { Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import type { Method } from '../protocol/messages.ts';

/** What needs the home open. Of these, what says by itself that it is closed needs no error of ours. */
const waiting = [
  'launch.request',
  'backend.request',
  'approval.grant',
  'approval.deny',
  'grant.list',
  'grant.revoke',
  'audit.verify',
] as const satisfies readonly Method[];
/** The keychain would answer these also while the home is locked, whichever its keys come from. */
const closedSecrets = [
  'secret.set',
  'secret.list',
  'secret.show',
  'secret.open',
  'secret.reveal',
  'secret.remove',
  'secret.move',
  'secret.history',
] as const satisfies readonly Method[];
/** And these in a home on it, or a person would type a code in vain. */
const closed = [
  'approval.open',
  'sealed.create',
  'backend.test',
  ...closedSecrets,
] as const satisfies readonly Method[];

type Action = (params: object, context: Context) => Promise<never>;

/** The handlers, before some of which a home on the keychain is opened; one with a sealed file a person opens. */
export function openFirst(
  { keyring, opening, paths }: Pick<Broker, 'keyring' | 'opening' | 'paths'>,
  handlers: Handlers,
): Handlers {
  /** One that is not set up yet says so itself. */
  const isSetUp = (): boolean =>
    keyring.hasIdentityFile || existsSync(paths.identity) || existsSync(paths.secrets);
  const opened: Partial<Record<Method, Action>> = {};
  for (const method of [...waiting, ...closed]) {
    const isClosed = (closed as readonly Method[]).includes(method);
    const isSecret = (closedSecrets as readonly Method[]).includes(method);
    // What each takes and gives stays as it is.
    const handle = handlers[method] as Action;
    opened[method] = (params, context) => {
      // Nothing is put in between on the way of a launch.
      if (keyring.unlocked) return handle(params, context);
      if (keyring.source === 'sealed') {
        return isSecret && isSetUp() ? Promise.reject(keyring.closed()) : handle(params, context);
      }
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
