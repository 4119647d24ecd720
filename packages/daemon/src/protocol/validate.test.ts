import { BrokerError } from '@mcp-broker/providers/errors';
import { expect, test } from 'vitest';
import type { Method } from './messages.ts';
import { checkRequest, readCancel, readHello } from './validate.ts';

const launch = {
  command: 'node',
  args: ['server.js'],
  path: '/usr/bin',
  environment: [{ name: 'TOKEN', value: '$<TOKEN>', origin: 'entry' }],
};

test.each<[Method, object, number]>([
  ['broker.status', {}, 0],
  ['sealed.unlock', {}, 1],
  ['secret.set', { name: 'TOKEN' }, 1],
  ['secret.set', { name: 'TOKEN', backend: 'sealed' }, 1],
  ['cache.clear', { names: ['A', 'B'] }, 0],
  ['launch.request', launch, 0],
  ['launch.request', { ...launch, path: null, allowArgs: true, server: 'github' }, 0],
  ['approval.grant', { id: 'K7Q4', fingerprint: 'aa', code: 'ABCD' }, 0],
  ['approval.grant', { id: 'K7Q4', fingerprint: 'aa' }, 1],
  [
    'approval.grant',
    { id: 'K7Q4', fingerprint: 'aa', variables: ['A'], lifetime: 3_600_000, workspace: '/srv' },
    1,
  ],
  ['approval.deny', { id: 'K7Q4', lifetime: 'session' }, 0],
  ['grant.revoke', { all: true }, 0],
  ['launch.request', { ...launch, waitMs: 30_000 }, 1],
  ['secret.reveal', { name: 'TOKEN' }, 1],
  ['audit.tail', { lines: 10, follow: true }, 0],
])('%s takes %j', (method, params, attachments) => {
  expect(checkRequest(method, params, attachments)).toEqual(params);
});

test.each<[Method, unknown, string]>([
  ['broker.status', { extra: 'hunter2' }, '`params` has a member'],
  ['broker.status', [], '`params` is missing or is no object'],
  ['secret.show', {}, '`params.name` is missing or is no string'],
  ['secret.show', { name: 7 }, '`params.name` is missing or is no string'],
  ['secret.show', { name: '' }, '`params.name` is not valid'],
  ['secret.show', { name: 'hunter2\0' }, '`params.name` is not valid'],
  ['secret.show', { name: 'hunter2'.repeat(1000) }, '`params.name` is too long'],
  ['secret.show', { name: 'A', backend: undefined }, '`params` has a member'],
  ['launch.request', { ...launch, command: '' }, '`params.command` is not valid'],
  ['launch.request', { ...launch, args: ['a', 1] }, '`params.args[1]` is missing or is no string'],
  ['launch.request', { ...launch, path: undefined }, '`params.path` is missing or is no string'],
  [
    'launch.request',
    { ...launch, environment: [{ name: 'A', value: 'hunter2', origin: 'hunter2' }] },
    '`params.environment[0].origin` is not valid',
  ],
  ['launch.request', { ...launch, waitMs: 3_600_001 }, '`params.waitMs` is too long or too large'],
  ['approval.deny', { id: 'K7Q4', lifetime: 'hunter2' }, '`params.lifetime` is not valid'],
  ['approval.deny', { id: 'K7Q4', lifetime: 0 }, '`params.lifetime` is too short or too small'],
  ['audit.tail', { lines: 1.5 }, '`params.lines` is'],
  ['audit.tail', { lines: -1 }, '`params.lines` is too short or too small'],
  ['audit.tail', { lines: 1e9 }, '`params.lines` is too long or too large'],
])('%s refuses %j and names the member', (method, params, said) => {
  const error = thrown(() => checkRequest(method, params, method === 'secret.set' ? 1 : 0));
  expect(error.code).toBe('ERR_USAGE');
  expect(error.message).toContain(`${method}: ${said}`);
  expect(error.message).not.toContain('hunter2');
});

test.each<[Method, object, number]>([
  ['secret.set', { name: 'TOKEN' }, 0],
  ['secret.set', { name: 'TOKEN' }, 2],
  ['secret.show', { name: 'TOKEN' }, 1],
  ['approval.grant', { id: 'K7Q4', fingerprint: 'aa' }, 2],
])('%s with %j does not take %i attachments', (method, params, attachments) => {
  expect(thrown(() => checkRequest(method, params, attachments)).message).toMatch(
    /the number of attachments has to be/u,
  );
});

test('hello and cancel are checked too', () => {
  expect(readHello({ protocol: 1, client: 'mcp exec' })).toEqual({
    protocol: 1,
    client: 'mcp exec',
  });
  expect(thrown(() => readHello({})).message).toContain('`params.protocol`');
  expect(readCancel({ id: 3 })).toEqual({ id: 3 });
  expect(thrown(() => readCancel({ id: '3' })).message).toContain('`params.id`');
});

function thrown(action: () => unknown): BrokerError {
  try {
    action();
  } catch (error) {
    if (error instanceof BrokerError) return error;
  }
  throw new Error('no BrokerError was thrown');
}
