import { describe, expect, test } from 'vitest';

import type { SecretSummary } from '@mcp-broker/daemon/protocol';

import { createFakeSession, type FakeOptions, type FakeSession } from './fake-session.ts';
import { revealSecret } from './reveal.ts';

const secret: SecretSummary = {
  name: 'API_TOKEN',
  backend: 'sealed',
  locator: 'API_TOKEN',
  version: '3',
  ttlMs: 1000,
};
const answers = {
  'secret.show': () => secret,
  'secret.open': () => ({ code: 'K7Q4' }),
  'secret.reveal': () => secret,
};

function session(more: FakeOptions = {}): FakeSession {
  const attachments = { 'secret.reveal': 'hunter2' };
  return createFakeSession({
    answers,
    attachments,
    stdoutIsTerminal: true,
    typed: ['K7Q4'],
    ...more,
  });
}
const input = { name: 'API_TOKEN', fd: undefined };

describe('mcp secret show --reveal', () => {
  test('says what is to be shown, asks for the code, and gives the value to the terminal alone', async () => {
    const fake = session();
    expect(await revealSecret(input, fake)).toBe(0);
    expect(fake.shown).toMatch(
      /^to be shown on this terminal[^\n]*\n {2}the value of {2}"API_TOKEN"\n {2}from {10}"sealed"\n {2}at {12}"API_TOKEN"\n {2}version {7}"3"\ncode: K7Q4\nType the code to see the value: hunter2\n$/u,
    );
    expect(fake.stdout + fake.stderr).toBe('');
    expect(fake.calls.at(-1)?.params).toEqual({ name: 'API_TOKEN', code: 'K7Q4' });
  });

  test('takes the passphrase of a descriptor for the code', async () => {
    const fake = session({ descriptors: { 3: 'pass\n' } });
    expect(await revealSecret({ ...input, fd: 3 }, fake)).toBe(0);
    expect(fake.calls).toEqual([
      { method: 'secret.reveal', params: { name: 'API_TOKEN' }, attachments: ['pass'] },
    ]);
    expect(fake.shown).toBe('hunter2\n');
  });

  test('wipes the value, the passphrase and what was written', async () => {
    const fake = session({ descriptors: { 3: 'pass\n' } });
    await revealSecret({ ...input, fd: 3 }, fake);
    expect(fake.held.length).toBeGreaterThanOrEqual(3);
    for (const bytes of fake.held) {
      expect(Buffer.from(bytes).toString()).not.toMatch(/hunter|pass/u);
    }
  });

  test('escapes what a terminal would act on, and says so', async () => {
    const fake = session({ attachments: { 'secret.reveal': 'a\u001b[2J\\b' } });
    await revealSecret(input, fake);
    expect(fake.shown).toMatch(/value: a\\x1b\[2J\\\\b\n$/u);
    expect(fake.stderr).toContain('\\\\xNN stands for a byte');
  });

  test.each<[what: string, options: FakeOptions, exitCode: number]>([
    ['stdout is no terminal', { stdoutIsTerminal: false }, 64],
    ['JSON is asked for', { json: true }, 64],
  ])('is refused before anything is asked when %s', async (_what, options, exitCode) => {
    const fake = session(options);
    const hint =
      "a program gets it through its environment: mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND";
    await expect(revealSecret(input, fake)).rejects.toMatchObject({ exitCode, hint });
    expect(fake.calls).toEqual([]);
  });

  test('is 77 when there is no controlling terminal, even with a passphrase', async () => {
    const { typed: _typed, ...options } = { typed: [], answers, stdoutIsTerminal: true };
    const fake = createFakeSession({ ...options, descriptors: { 3: 'pass' } });
    await expect(revealSecret({ ...input, fd: 3 }, fake)).rejects.toMatchObject({ exitCode: 77 });
    expect(fake.calls).toEqual([]);
  });

  test('shows nothing when nothing is typed', async () => {
    const fake = session({ typed: [''] });
    await expect(revealSecret(input, fake)).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
    expect(fake.calls.map(({ method }) => method)).not.toContain('secret.reveal');
  });

  test('takes no value in the place of a name', async () => {
    const fake = session();
    await expect(revealSecret({ ...input, name: 'A=hunter2' }, fake)).rejects.toMatchObject({
      exitCode: 64,
      message: expect.not.stringContaining('hunter2') as string,
    });
  });
});
