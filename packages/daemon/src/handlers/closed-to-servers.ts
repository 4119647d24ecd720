import { toBrokerError } from '@mcp-broker/providers/errors';
import { caller, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { isVariableName } from '../reference.ts';

/**
 * What changes or shows something a person answers for; requests of others hold what their entries say. Stopping, locking and clearing the cache only
 * take away, and nothing may stand in their way; launching and looking is what servers do as well.
 */
const closed = [
  'keychain.create',
  'sealed.create',
  'sealed.unlock',
  'secret.set',
  'secret.open',
  'secret.reveal',
  'secret.remove',
  'secret.move',
  'approval.list',
  'approval.open',
  'approval.grant',
  'approval.deny',
  'grant.revoke',
  'backend.test',
] as const satisfies readonly (keyof Handlers)[];

type Action = (params: object, context: Context) => Promise<never>;

/** The handlers, some of which refuse servers that were launched here, and write each attempt down. */
export function closeToServers(
  { presence, audit }: Pick<Broker, 'presence' | 'audit'>,
  handlers: Handlers,
): Handlers {
  const guarded: Partial<Record<keyof Handlers, Action>> = {};
  for (const method of closed) {
    // What each takes and gives stays as it is.
    const handle = handlers[method] as Action;
    guarded[method] = async (params, context) => {
      try {
        presence.requireNoLaunch(context);
      } catch (error) {
        await audit.append({
          event: 'deny',
          outcome: 'denied',
          code: toBrokerError(error).code,
          ...(method.startsWith('secret.') ? variableOf(params) : {}),
          ...caller(context),
        });
        throw error;
      }
      return handle(params, context);
    };
  }
  return { ...handlers, ...(guarded as Partial<Handlers>) };
}

/** Methods for secrets name one; a line takes no other text of the caller's. */
function variableOf(params: object): { variables?: readonly string[] } {
  if (!('name' in params) || typeof params.name !== 'string') return {};
  return isVariableName(params.name) ? { variables: [params.name] } : {};
}
