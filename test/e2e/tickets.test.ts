import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, type Home } from '../kit/home.ts';
import { connectTo, launchOf, ticketFor } from '../kit/protocol.ts';

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  for (const name of ['A', 'B']) await home.set(name, `value of ${name}`);
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('a ticket', () => {
  test('gives the values of its own launch, once', async () => {
    const client = await connectTo(home);
    const { ticket } = await ticketFor(home, client, launchOf('A'));
    const { result, attachments } = await client.call('launch.take', { ticket });
    expect(result.values).toEqual({ '$<A>': 0 });
    expect(attachments.map(String)).toEqual(['value of A']);
    await expect(client.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_DENIED',
    });
    client.close();
  });

  test('A3: is of no use on another connection, and spent by the try', async () => {
    const [first, second] = [await connectTo(home), await connectTo(home)];
    const { ticket } = await ticketFor(home, first, launchOf('A'));
    await expect(second.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_DENIED',
    });
    await expect(first.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_DENIED',
    });
    first.close();
    second.close();
  });

  test('A3: that nobody gave out is refused, and the refusal is audited', async () => {
    const client = await connectTo(home);
    const before = (await auditLines(home)).length;
    await expect(client.call('launch.take', { ticket: '0'.repeat(32) })).rejects.toMatchObject({
      code: 'ERR_DENIED',
    });
    expect((await auditLines(home)).slice(before)).toMatchObject([
      { event: 'deny', outcome: 'denied', code: 'ERR_DENIED' },
    ]);
    client.close();
  });

  test('A3: is not given for a variable that the grant does not name', async () => {
    const client = await connectTo(home);
    await ticketFor(home, client, launchOf('A'));
    await expect(client.call('launch.request', launchOf('B'))).rejects.toMatchObject({
      code: 'ERR_NOT_APPROVED',
    });
    client.close();
  });

  test('is not given for a name that no shell could set', async () => {
    const client = await connectTo(home);
    const launch = launchOf('A', {
      environment: [{ name: 'A=B', value: '$<A>', origin: 'entry' }],
    });
    await expect(client.call('launch.request', launch)).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
    client.close();
  });
});

describe('the cache', () => {
  const entries = async (): Promise<number> => {
    const { stdout } = await own.mcp(['status', '--json']);
    return (JSON.parse(stdout) as { cache: { entries: number } }).cache.entries;
  };
  // By the command, in a home of its own: a process that took a launch here may not set a value.
  let own: Home;
  beforeAll(async () => {
    own = await createHome({ kind: 'sealed' });
    await own.set('A', 'value of A');
    await own.approve(launch);
  }, 60_000);
  afterAll(async () => {
    await own.remove();
  });
  const launch = ['--env', 'A=$<A>', '--', 'true'];
  const fill = async (): Promise<void> => {
    expect(await own.mcp(['exec', ...launch])).toMatchObject({ code: 0 });
    expect(await entries()).toBe(1);
  };
  const config = (): string => join(own.broker, 'config.yaml');

  const emptied: [title: string, by: () => Promise<unknown>][] = [
    ['mcp cache clear', () => own.mcp(['cache', 'clear'])],
    ['mcp cache clear NAME', () => own.mcp(['cache', 'clear', 'A'])],
    ['a new value', () => own.set('A', 'value of A')],
    ['a changed config', () => appendFile(config(), '# changed\n')],
    ['mcp lock', () => own.mcp(['lock'])],
  ];
  test.each(emptied)('is emptied by %s', async (_title, by) => {
    await fill();
    await by();
    await expect.poll(entries, { timeout: 10_000 }).toBe(0);
    await own.mcp(['unlock', '--fd', '3'], { fd3: own.passphrase });
  });
});

test('a value that has gone since the decision is written down as one that could not be read', async () => {
  const own = await createHome({ kind: 'sealed' });
  try {
    await own.set('A', 'value of A');
    const client = await connectTo(own);
    const { ticket } = await ticketFor(own, client, launchOf('A'));
    expectSuccess(await own.mcp(['secret', 'rm', 'A']));
    await expect(client.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_VARIABLE',
    });
    client.close();
    expect((await auditLines(own)).at(-1)).toMatchObject({
      event: 'resolve',
      outcome: 'failed',
      code: 'ERR_UNKNOWN_VARIABLE',
      variables: ['A'],
      backend: 'sealed',
    });
  } finally {
    await own.remove();
  }
}, 60_000);

describe('the protocol', () => {
  test('A3: has no method that gives a value without a launch', async () => {
    const client = await connectTo(home);
    for (const method of ['secret.get', 'secret.read', 'value.get']) {
      await expect(client.call(method as 'secret.show', { name: 'A' })).rejects.toMatchObject({
        code: 'ERR_PROTOCOL',
      });
    }
    await expect(client.call('secret.reveal', { name: 'A' })).rejects.toMatchObject({
      code: 'ERR_PRESENCE',
    });
    const shown = await client.call('secret.show', { name: 'A' });
    expect(shown.attachments).toEqual([]);
    expect(JSON.stringify(shown.result)).not.toContain('value of A');
    client.close();
  });
});

test('the line of a stop says who asked for it', async () => {
  const client = await connectTo(home);
  await client.call('broker.stop', {});
  client.close();
  await expect
    .poll(async () => (await auditLines(home)).at(-1), { timeout: 10_000 })
    .toMatchObject({ event: 'stop', pid: process.pid, claims: { client: 'test' } });
});
