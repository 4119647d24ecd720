import type { Client } from '@mcp-broker/daemon/client';
import type { Lifetime, PendingApproval } from '@mcp-broker/daemon/protocol';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { connectTo, launchOf, ticketFor } from '../kit/protocol.ts';

// What a process of the same user tries in order to get a value that no person approved.

async function pendingFor(
  client: Client,
  args: string[],
  server?: string,
): Promise<PendingApproval> {
  const launch = launchOf('TOKEN', { args, ...(server === undefined ? {} : { server }) });
  await expect(client.call('launch.request', launch)).rejects.toMatchObject({
    code: 'ERR_NOT_APPROVED',
  });
  const { pending } = (await client.call('approval.list', {})).result;
  const found = pending.find((request) => request.launch.argv.slice(1).join() === args.join());
  if (found === undefined) throw new Error('no such request');
  return found;
}

describe('in a home with a passphrase', () => {
  let home: Home;
  let other: Home;
  let client: Client;
  beforeAll(async () => {
    home = await createHome({ kind: 'sealed' });
    other = await createHome({ kind: 'sealed' });
    await home.set('TOKEN', 'value');
  }, 60_000);
  beforeEach(async () => {
    client = await connectTo(home);
  });
  afterEach(() => {
    client.close();
  });
  afterAll(async () => {
    await home.remove();
    await other.remove();
  });

  const grant = (
    { id, fingerprint }: PendingApproval,
    passphrase: string,
    lifetime: Lifetime = 'always',
  ): Promise<unknown> =>
    client.call(
      'approval.grant',
      { id, fingerprint, lifetime },
      { attachments: [Buffer.from(passphrase)] },
    );

  test('an identity.age put in the place of ours opens nothing', async () => {
    const request = await pendingFor(client, ['swapped']);
    const file = join(home.broker, 'identity.age');
    renameSync(file, `${file}.ours`);
    copyFileSync(join(other.broker, 'identity.age'), file);
    await expect(grant(request, other.passphrase)).rejects.toMatchObject({
      code: 'ERR_PASSPHRASE',
    });
    renameSync(`${file}.ours`, file);
  });

  test('grants that another identity gave are void under ours', async () => {
    const request = await pendingFor(client, ['both swapped']);
    const files = ['identity.age', 'secrets.age'].map((name) => join(home.broker, name));
    expectSuccess(await home.mcp(['lock']));
    for (const file of files) {
      renameSync(file, `${file}.ours`);
      copyFileSync(file.replace(home.broker, other.broker), file);
    }
    await client.call('sealed.unlock', {}, { attachments: [Buffer.from(other.passphrase)] });
    const kept = grant(request, other.passphrase).catch((error: unknown) => error);
    const forNow = grant(request, other.passphrase, 'session').catch((error: unknown) => error);
    const outcomes = [await kept, await forNow];
    expectSuccess(await home.mcp(['lock']));
    for (const file of files) renameSync(`${file}.ours`, file);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
    // It cannot even begin a grants file here: the generation is kept under our identity.
    expect(outcomes).toMatchObject([{ code: 'ERR_CORRUPT' }, { result: { left: [] } }]);
    await expect(
      client.call('launch.request', launchOf('TOKEN', { args: ['both swapped'] })),
    ).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
  });

  test('an identity is not made beside secrets that have lost theirs', async () => {
    const file = join(home.broker, 'identity.age');
    renameSync(file, `${file}.ours`);
    const create = client.call('sealed.create', {}, { attachments: [Buffer.from('mine')] });
    await expect(create).rejects.toMatchObject({ code: 'ERR_NO_HOME' });
    renameSync(`${file}.ours`, file);
  });

  test('B24: what is granted has to be what was shown', async () => {
    const shown = await pendingFor(client, ['shown']);
    const hidden = await pendingFor(client, ['hidden']);
    await expect(
      grant({ ...shown, fingerprint: hidden.fingerprint }, home.passphrase),
    ).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  test('B24: a server that calls itself like an id is not approved by it', async () => {
    await pendingFor(client, ['named like an id'], 'ZZZZ');
    const ended = await home.mcp(['approve', 'ZZZZ', '--fd', '3'], { fd3: home.passphrase });
    expect(ended.code).toBe(66);
  });

  test('a ticket is of no use once the sealed file is locked', async () => {
    const { ticket } = await ticketFor(home, client, launchOf('TOKEN'));
    expectSuccess(await home.mcp(['lock']));
    await expect(client.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_LOCKED',
    });
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
  });

  test('a ticket is of no use once the config has changed', async () => {
    const { ticket } = await ticketFor(home, client, launchOf('TOKEN'));
    const file = join(home.broker, 'config.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}# changed\n`);
    await client.call('config.reload', {});
    await expect(client.call('launch.take', { ticket })).rejects.toMatchObject({
      code: 'ERR_DENIED',
    });
  });

  test('a launch that is decided while the config changes gets no value', async () => {
    await ticketFor(home, client, launchOf('TOKEN'));
    const file = join(home.broker, 'config.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}# changed meanwhile\n`);
    // A program that takes long to hash: the config is read while the launch waits for it.
    const slow = join(home.folder, 'slow');
    writeFileSync(slow, Buffer.alloc(64 * 1024 * 1024, '#'), { mode: 0o755 });
    const launch = launchOf('TOKEN', { command: slow });
    const text = readFileSync(file, 'utf8');
    await ticketFor(home, client, launch);
    const asked = client.call('launch.request', launch);
    writeFileSync(file, `${text}variables: {TOKEN: {ttl: 1m}}\n`);
    const [{ result }] = await Promise.all([asked, client.call('config.reload', {})]);
    const taken = client.call('launch.take', { ticket: result.ticket });
    await expect(taken).rejects.toMatchObject({ code: 'ERR_DENIED' });
  });

  test('an unlock that a lock has overtaken leaves the file locked', async () => {
    expectSuccess(await home.mcp(['lock']));
    const passphrase = Buffer.from(home.passphrase);
    const unlock = client.call('sealed.unlock', {}, { attachments: [passphrase] });
    const outcome = unlock.catch((error: unknown) => error);
    await client.call('sealed.lock', {});
    expect(await outcome).toMatchObject({ code: 'ERR_LOCKED' });
    const { backends } = (await client.call('broker.status', {})).result;
    expect(backends.find(({ name }) => name === 'sealed')?.state).toBe('locked');
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
  });

  test('an unlock that cannot be audited leaves the file locked', async () => {
    expectSuccess(await home.mcp(['lock']));
    const folder = join(home.broker, 'audit');
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, '');
    const refused = await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase });
    const { backends } = (await client.call('broker.status', {})).result;
    renameSync(folder, `${folder}.file`);
    renameSync(`${folder}.away`, folder);
    expect(refused.code).toBe(69);
    expect(backends.find(({ name }) => name === 'sealed')?.state).toBe('locked');
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
  });
});

test('a home that is locked while it is made stays locked', async () => {
  const home = await createHome({ kind: 'empty' });
  try {
    mkdirSync(home.broker, { mode: 0o700 });
    expectSuccess(await home.mcp(['daemon', 'start']));
    const client = await connectTo(home);
    const attachments = [Buffer.from(home.passphrase)];
    const create = client
      .call('sealed.create', {}, { attachments })
      .catch((error: unknown) => error);
    await client.call('sealed.lock', {});
    expect(await create).toMatchObject({ code: 'ERR_LOCKED' });
    const { backends } = (await client.call('broker.status', {})).result;
    expect(backends.find(({ name }) => name === 'sealed')?.state).toBe('locked');
    client.close();
  } finally {
    await home.remove();
  }
});

describe('in a home with an identity file', () => {
  let home: Home;
  beforeAll(async () => {
    home = await createHome({ kind: 'identity' });
    await home.set('TOKEN', 'value');
  }, 60_000);
  afterAll(async () => {
    await home.remove();
  });

  test('nobody makes a passphrase, and none approves anything', async () => {
    const client = await connectTo(home);
    const attachments = [Buffer.from('mine')];
    const { id, fingerprint } = await pendingFor(client, ['with a passphrase of my own']);
    await expect(client.call('sealed.create', {}, { attachments })).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
    await expect(
      client.call('approval.grant', { id, fingerprint }, { attachments }),
    ).rejects.toMatchObject({ code: 'ERR_PRESENCE' });
    client.close();
  });
});
