import { BrokerError } from '@mcp-broker/providers/errors';
import { expect, test } from 'vitest';
import type { AuditEvent, AuditLog } from '../audit/event.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import type { Presence } from '../policy/presence.ts';
import { requestMembers } from '../protocol/validate.ts';
import { closeToServers } from './closed-to-servers.ts';

const methods = Object.keys(requestMembers()).filter((method) => method !== 'broker.hello');
/** What a server may do: launch, look, and take away. */
const open = [
  'broker.status',
  'broker.stop',
  'config.reload',
  'sealed.lock',
  'secret.list',
  'secret.show',
  'cache.clear',
  'launch.request',
  'launch.take',
  'launch.started',
  'launch.ended',
  'grant.list',
  'backend.list',
  'secret.history',
  'audit.verify',
  'audit.tail',
];
const context = { peer: { pid: 7, uid: 1000, startTime: '1' }, client: 'x' } as Context;

/** Calls a method as a server does: whether its handler ran, what came out, and what was written. */
async function callAsServer(method: string, params: object = {}): Promise<object> {
  let handled = false;
  const lines: AuditEvent[] = [];
  const handlers = Object.fromEntries(
    methods.map((each) => [
      each,
      async () => {
        handled = true;
        return { result: {} };
      },
    ]),
  );
  const closed = closeToServers(
    {
      presence: {
        requireNoLaunch() {
          throw new BrokerError('ERR_PRESENCE', 'no');
        },
      } as unknown as Presence,
      audit: {
        async append(line) {
          lines.push(line);
        },
      } as AuditLog,
    },
    handlers as unknown as Handlers,
  ) as unknown as Record<string, (params: object, context: Context) => Promise<unknown>>;
  const error = await closed[method]?.(params, context).catch((thrown: unknown) => thrown);
  return { handled, code: error instanceof BrokerError ? error.code : undefined, lines };
}

test.each(methods.filter((method) => open.includes(method)))(
  'a server may call %s',
  async (method) => {
    expect(await callAsServer(method)).toEqual({ handled: true, code: undefined, lines: [] });
  },
);

test.each(methods.filter((method) => !open.includes(method)))(
  'a server that calls %s is refused, and it is written down',
  async (method) => {
    const params = method.startsWith('secret.') ? { name: 'TOKEN' } : { id: 'ABCD' };
    expect(await callAsServer(method, params)).toEqual({
      handled: false,
      code: 'ERR_PRESENCE',
      lines: [
        {
          event: 'deny',
          outcome: 'denied',
          code: 'ERR_PRESENCE',
          pid: 7,
          uid: 1000,
          claims: { client: 'x' },
          ...(method.startsWith('secret.') ? { variables: ['TOKEN'] } : {}),
        },
      ],
    });
  },
);

test('no text of the caller that is not a name gets into the line', async () => {
  expect(await callAsServer('secret.set', { name: 'hunter2 hunter2' })).toMatchObject({
    lines: [expect.not.objectContaining({ variables: expect.anything() as unknown })],
  });
});
