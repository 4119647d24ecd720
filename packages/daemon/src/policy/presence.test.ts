import { BrokerError } from '@mcp-broker/providers/errors';
import { describe, expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { machine, peerOf } from '../testing/fake-machine.ts';
import { createCodes } from './codes.ts';
import { createLaunches } from './launches.ts';
import { createPresence, type Asking, type Presence, type PresenceOptions } from './presence.ts';

const person = 10;
const withoutTerminal = 11;
const server = 20;
const childOfServer = 21;
const leftBehind = 22;

function presenceOf(changes: Partial<PresenceOptions> = {}): Presence {
  const platform = machine({
    [person]: {},
    [withoutTerminal]: { hasTerminal: false },
    [server]: {},
    [childOfServer]: { parent: server },
    [leftBehind]: { variables: ['MCP_LAUNCH'] },
  });
  const launches = createLaunches(platform);
  launches.add(peerOf(server));
  return createPresence({
    platform,
    launches,
    codes: createCodes(fakeClock()),
    keyring: {
      source: 'sealed',
      hasIdentityFile: false,
      hasPassphrase: true,
      async checkPassphrase(passphrase) {
        if (String(passphrase) !== 'right') throw new BrokerError('ERR_PASSPHRASE', 'wrong');
      },
    },
    mode: 'terminal',
    ...changes,
  });
}

function asking(pid: number, connection = 1): Asking {
  return { peer: peerOf(pid), connection: { id: connection } };
}

const right = Buffer.from('right');
const refusal = { code: 'ERR_PRESENCE', hint: expect.any(String) as string };

describe('a person', () => {
  test('shows to be there by typing the code from the terminal', async () => {
    const presence = presenceOf();
    const code = presence.open(asking(person), 'subject');
    const proof = { code: ` ${code.toLowerCase()}\n` };
    await expect(presence.prove(asking(person), 'subject', proof)).resolves.toBeUndefined();
  });

  test('shows to be there by the passphrase, without a terminal', async () => {
    await presenceOf().prove(asking(withoutTerminal), 'subject', { passphrase: right });
    const wrong = { passphrase: Buffer.from('wrong') };
    await expect(presenceOf().prove(asking(person), 'subject', wrong)).rejects.toMatchObject({
      code: 'ERR_PASSPHRASE',
    });
  });
});

test.each<[title: string, prove: (presence: Presence, code: string) => Promise<void>]>([
  ['for another subject', (p, code) => p.prove(asking(person), 'other', { code })],
  ['on another connection', (p, code) => p.prove(asking(person, 2), 'subject', { code })],
  ['without a terminal', (p, code) => p.prove(asking(withoutTerminal), 'subject', { code })],
  ['with nothing at all', (p) => p.prove(asking(person), 'subject', {})],
  [
    'twice',
    async (p, code) => {
      await p.prove(asking(person), 'subject', { code });
      await p.prove(asking(person), 'subject', { code });
    },
  ],
  [
    'after the config has asked for the passphrase',
    (p, code) => {
      p.configure('passphrase');
      return p.prove(asking(person), 'subject', { code });
    },
  ],
])('B24: a code is no proof %s', async (_title, prove) => {
  const presence = presenceOf();
  const code = presence.open(asking(person), 'subject');
  await expect(prove(presence, code)).rejects.toMatchObject(refusal);
});

test.each<[title: string, open: () => unknown, message: RegExp]>([
  [
    'without a terminal',
    () => presenceOf().open(asking(withoutTerminal), 'subject'),
    /a person at a terminal/u,
  ],
  [
    'where the passphrase is asked for',
    () => presenceOf({ mode: 'passphrase' }).open(asking(person), 'subject'),
    /asks for the passphrase/u,
  ],
])('no code is given %s', (_title, open, message) => {
  expect(open).toThrow(
    expect.objectContaining({ ...refusal, message: expect.stringMatching(message) as string }),
  );
});

test('a passphrase proves nothing in a home that has an identity file', async () => {
  const keyring = {
    source: 'sealed',
    hasIdentityFile: true,
    hasPassphrase: false,
    checkPassphrase: async () => undefined,
  } as const;
  await expect(
    presenceOf({ keyring }).prove(asking(person), 'subject', { passphrase: right }),
  ).rejects.toMatchObject(refusal);
});

describe('in a home on the keychain alone', () => {
  const keyring = {
    source: 'keychain',
    hasIdentityFile: false,
    hasPassphrase: false,
    checkPassphrase: async () => undefined,
  } as const;

  test('a passphrase proves nothing, and the code does', async () => {
    const presence = presenceOf({ keyring });
    await expect(
      presence.prove(asking(person), 'subject', { passphrase: right }),
    ).rejects.toMatchObject({ ...refusal, message: expect.stringMatching(/keychain/u) as string });
    const code = presence.open(asking(person), 'subject');
    await presence.prove(asking(person), 'subject', { code });
  });

  test('the mode that asks for a passphrase is a mistake in the config', async () => {
    const presence = presenceOf({ keyring, mode: 'passphrase' });
    const mistake = { code: 'ERR_CONFIG', hint: expect.stringContaining('mcp init') as string };
    expect(() => presence.open(asking(person), 'subject')).toThrow(
      expect.objectContaining(mistake),
    );
    await expect(
      presence.prove(asking(person), 'subject', { passphrase: right }),
    ).rejects.toMatchObject(mistake);
  });
});

describe.each([
  ['a server', server],
  ['a child of a server', childOfServer],
  ['what a server left behind', leftBehind],
])('%s', (_title, pid) => {
  test('gets no code, and proves nothing with a terminal and the passphrase', async () => {
    const presence = presenceOf();
    expect(() => presence.open(asking(pid), 'subject')).toThrow('a server that was launched here');
    await expect(
      presence.prove(asking(pid), 'subject', { passphrase: right }),
    ).rejects.toMatchObject(refusal);
    const code = presence.open(asking(person), 'subject');
    await expect(presence.prove(asking(pid), 'subject', { code })).rejects.toMatchObject(refusal);
    expect(() => {
      presence.requireNoLaunch(asking(pid));
    }).toThrow('a server that was launched here');
  });
});

test('whoever is no server may do what takes no terminal', () => {
  expect(() => {
    presenceOf().requireNoLaunch(asking(withoutTerminal));
  }).not.toThrow();
});
