/* oxlint-disable vitest/no-standalone-expect -- what needs() gives is a test */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createIdentityFile,
  createSealedFile,
  createSecretsFile,
  openIdentityFile,
  type Provider,
} from '@mcp-broker/providers';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { needs } from '../kit/needs.ts';

const test = needs('age', 'age-keygen', 'python3');
const passphrase = 'correct horse pä55 🔑';
const options = { signal: new AbortController().signal };

/** Runs a command that asks for the passphrase on its terminal. */
function withPassphrase(...command: string[]): void {
  const script = join(import.meta.dirname, 'answer-prompts.py');
  execFileSync('python3', [script, ...command], { input: `${passphrase}\n`, stdio: 'pipe' });
}

describe('the files and the age tool', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-file-age-'));
  const at = (name: string): string => join(folder, name);
  /** Made by age-keygen. */
  let recipient = '';
  let scalar: Uint8Array = new Uint8Array();
  let provider: Provider;

  beforeAll(async () => {
    execFileSync('age-keygen', ['-o', at('key.txt')], { stdio: 'pipe' });
    recipient = execFileSync('age-keygen', ['-y', at('key.txt')], { encoding: 'utf8' }).trim();
    scalar = await openIdentityFile(at('key.txt'));
    provider = createSealedFile({
      file: at('secrets.age'),
      identity: { use: (action) => action(scalar) },
      lock: () => Promise.resolve(() => undefined),
      now: () => Date.parse('2026-01-31T12:00:00Z'),
    });
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('age opens the secrets that we write', async () => {
    await createSecretsFile(at('secrets.age'), { use: (action) => action(scalar) });
    await provider.put?.({ path: 'API_TOKEN' }, Buffer.from('hunter2'), options);
    const text = execFileSync('age', ['-d', '-i', at('key.txt'), at('secrets.age')]);
    expect(JSON.parse(text.toString())).toEqual({
      version: 1,
      secrets: {
        API_TOKEN: {
          value: Buffer.from('hunter2').toString('base64'),
          version: 1,
          created: '2026-01-31T12:00:00.000Z',
          updated: '2026-01-31T12:00:00.000Z',
        },
      },
    });
  });

  test.each([['-r'], ['-a', '-r']])('we open the secrets that age %s writes', async (...flags) => {
    const value = Buffer.alloc(100_000, 'long ');
    const document = { version: 1, secrets: { EDITED: { value: value.toString('base64') } } };
    rmSync(at('secrets.age'), { force: true });
    execFileSync('age', [...flags, recipient, '-o', at('secrets.age')], {
      input: JSON.stringify(document),
    });
    execFileSync('chmod', ['600', at('secrets.age')]);
    const secret = await provider.get({ path: 'EDITED' }, options);
    expect(Buffer.from(secret?.bytes ?? []).equals(value)).toBe(true);
    expect(await provider.list?.(options)).toEqual([{ name: 'EDITED', version: '1' }]);
  });

  test('age opens the identity that we write, and opens the secrets with it', async () => {
    const made = await createIdentityFile(at('identity.age'), Buffer.from(passphrase));
    withPassphrase('age', '-d', '-o', at('plain.txt'), at('identity.age'));
    expect(readFileSync(at('plain.txt'), 'utf8')).toMatch(/^AGE-SECRET-KEY-1[0-9A-Z]{58}\n$/);
    execFileSync('chmod', ['600', at('plain.txt')]);
    expect(await openIdentityFile(at('plain.txt'))).toEqual(made);

    await createSecretsFile(at('new.age'), { use: (action) => action(made) });
    withPassphrase('age', '-d', '-i', at('identity.age'), '-o', at('new.json'), at('new.age'));
    expect(JSON.parse(readFileSync(at('new.json'), 'utf8'))).toEqual({ version: 1, secrets: {} });
  });

  test.each([['-p'], ['-a', '-p']])('we open the identity that age %s writes', async (...flags) => {
    const file = at(`theirs-${flags.length}.age`);
    withPassphrase('age', ...flags, '-o', file, at('key.txt'));
    execFileSync('chmod', ['600', file]);
    expect(await openIdentityFile(file, Buffer.from(passphrase))).toEqual(scalar);
    await expect(openIdentityFile(file, Buffer.from('wrong'))).rejects.toMatchObject({
      code: 'ERR_PASSPHRASE',
    });
  });

  test('the edit that docs/sealed-file.md shows works as it stands there', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/sealed-file.md'), 'utf8');
    const block = /```sh\n(# edit\n.*?)```/s.exec(page)?.[1] ?? '';
    writeFileSync(at('edit.sh'), `set -e\ncd ${folder}\n${block}`);
    for (const name of ['identity.age', 'secrets.age']) rmSync(at(name), { force: true });
    scalar = await createIdentityFile(at('identity.age'), Buffer.from(passphrase));
    await createSecretsFile(at('secrets.age'), { use: (action) => action(scalar) });
    await provider.put?.({ path: 'OLD_NAME' }, Buffer.from('hunter2'), options);
    withPassphrase(
      'env',
      `MCP_HOME=${folder}`,
      'EDITOR=sed -i s/OLD_NAME/NEW_NAME/',
      'sh',
      at('edit.sh'),
    );
    const secret = await provider.get({ path: 'NEW_NAME' }, options);
    expect(Buffer.from(secret?.bytes ?? []).toString()).toBe('hunter2');
    expect(await provider.get({ path: 'OLD_NAME' }, options)).toBeUndefined();
  });
});
