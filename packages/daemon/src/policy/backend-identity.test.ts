import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backend } from '../config/backends.ts';
import { backendOrigin } from './backend-identity.ts';

const context = { secretsFile: '/home/ada/.mcp/secrets.age', home: '/home/ada/.mcp' };
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-origin-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** As the config has it after it was read. */
function originOf(entry: Record<string, unknown>): string {
  const { kind, settings } = backend.parse(entry);
  return backendOrigin(kind, settings, context);
}

const vault = {
  kind: 'vault',
  url: 'https://vault.example.org',
  auth_method: 'token',
  path: 'mcp',
};
const aws = { kind: 'aws-secrets-manager', region: 'eu-west-1' };
const azure = { kind: 'azure-key-vault', vault_name: 'kv' };
const command = { kind: 'command', get: ['pass', 'show', '{name}'] };

const other: [what: string, before: object, after: object][] = [
  ['address of a Vault', vault, { url: 'https://vault.example.net' }],
  ['way to log in to it', vault, { auth_method: 'approle' }],
  ['path', vault, { path: 'other' }],
  ['namespace', vault, { namespace: 'team' }],
  ['pin', vault, { pin: `sha256/${'A'.repeat(43)}=` }],
  ['CA file', vault, { ca: '/etc/ssl/none.pem' }],
  ['region', aws, { region: 'eu-west-2' }],
  ['prefix', aws, { secret_prefix: 'mcp/' }],
  ['profile', aws, { profile: 'other' }],
  ['role', aws, { role_arn: 'arn:aws:iam::1:role/r' }],
  ['endpoint', aws, { endpoint: 'https://localhost:4566' }],
  ['name of a key vault', azure, { vault_name: 'kv2' }],
  ['tenant', azure, { tenant: 't' }],
  ['credential', azure, { credential: 'cli' }],
  ['address of a key vault', azure, { url: 'https://kv.vault.azure.cn' }],
  ['argument of a tool', command, { get: ['pass', 'show', '-c', '{name}'] }],
  ['order of its arguments', command, { get: ['pass', '{name}', 'show'] }],
  ['place where its arguments end', command, { get: ['pass', 'show {name}'] }],
  ['environment of a tool', command, { env: { PASSWORD_STORE_DIR: '/srv' } }],
];

test.each(other)('another %s is another origin', (_what, before, after) => {
  expect(originOf({ ...before, ...after })).not.toBe(originOf({ ...before }));
});

test.each([vault, aws, azure, command])(
  'how long values live is no part of it ($kind)',
  (entry) => {
    expect(originOf({ ...entry, ttl: '1h', max_stale: '2h' })).toBe(originOf(entry));
  },
);

test('the order of the keys in the file does not count', () => {
  expect(originOf(Object.fromEntries(Object.entries(vault).toReversed()))).toBe(originOf(vault));
});

test('the sealed file is known by its path', () => {
  expect(backendOrigin('sealed-file', undefined, context)).toBe(context.secretsFile);
});

test('the keychain is known by the service name of the home', () => {
  const origin = backendOrigin('keychain', undefined, context);
  expect(origin).toMatch(/^mcp-broker\/[0-9a-f]{12}$/u);
  expect(backendOrigin('keychain', undefined, { ...context, home: '/home/bob/.mcp' })).not.toBe(
    origin,
  );
});

describe('a CA', () => {
  test('counts with its content', () => {
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, 'one');
    const before = originOf({ ...vault, ca });
    expect(before).toContain(createHash('sha256').update('one').digest('hex'));
    writeFileSync(ca, 'two');
    expect(originOf({ ...vault, ca })).not.toBe(before);
  });

  test('that is not there is another one than an empty one', () => {
    const ca = join(folder, 'empty.pem');
    const before = originOf({ ...vault, ca });
    writeFileSync(ca, '');
    expect(originOf({ ...vault, ca })).not.toBe(before);
  });

  test.skipIf(process.platform === 'win32')('that is a pipe does not block', () => {
    const ca = join(folder, 'pipe');
    spawnSync('mkfifo', [ca]);
    expect(originOf({ ...vault, ca })).toContain('"sha256":null');
  });
});
