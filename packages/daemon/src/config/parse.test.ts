import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { absentConfig, parseConfig } from './parse.ts';
import type { LoadedConfig } from './types.ts';

const fixtures = new URL('../../../../test/fixtures/config/', import.meta.url);
const head = 'version: "1.0"\n';
const file = '/home/me/.mcp/config.yaml';

function parse(text: string): LoadedConfig {
  return parseConfig(text, file);
}

describe('a good file', () => {
  test('the whole sample is read, and nothing in it is lost', () => {
    const { config, state, unusable } = parse(
      readFileSync(new URL('config.yaml', fixtures), 'utf8'),
    );
    expect({ state, unusable }).toEqual({ state: 'loaded', unusable: [] });
    expect(config.settings).toMatchObject({
      defaultBackend: 'keychain',
      ttlMs: 300_000,
      identityFile: join(homedir(), '.config/mcp-broker/identity'),
      path: ['/usr/local/bin', '/usr/bin', '/bin'],
      limits: { frame: 262_144, connections: 12_000, connectionsPerProcess: 64 },
      proxy: { https: 'http://proxy.example.net:3128', noProxy: ['127.0.0.1'] },
    });
    expect(Object.keys(config.backends)).toEqual([
      'sealed',
      'keychain',
      'vault',
      'aws',
      'azure',
      'pass',
    ]);
    expect(config.backends['vault']).toEqual({
      kind: 'vault',
      settings: {
        url: 'https://vault.example.net:8200',
        authMethod: 'approle',
        path: 'secret/mcp',
        namespace: 'team-a',
        ca: join(homedir(), '.mcp/ca.pem'),
        pin: 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      },
    });
    expect(config.variables['DB_PASSWORD']).toEqual({
      backend: 'vault',
      path: 'secret/databases/orders',
      field: 'password',
      ttlMs: 60_000,
      maxStaleMs: 0,
      rotate: {
        everyMs: 2_592_000_000,
        method: 'generate',
        generate: { length: 32, alphabet: 'base62' },
        set: ['./set-db-password', 'orders'],
        test: ['./try-db-password', 'orders'],
        overlapMs: 600_000,
        onRotate: 'none',
      },
    });
    expect(config.servers['github']?.env).toEqual({
      GITHUB_PERSONAL_ACCESS_TOKEN: '$<GITHUB_TOKEN>',
    });
    expect(config.audit).toEqual({ keepMs: 7_776_000_000, rotateAt: 67_108_864 });
    expect(config.sshServers.map(({ name }) => name)).toEqual(['web-1', 'bastion']);
    expect(config.kubernetesClusters[0]?.tokenVariable).toBe('PROD_K8S_TOKEN');
    expect(config.dockerHosts.map(({ connectionType }) => connectionType)).toEqual([
      'local',
      'ssh',
      'tls',
    ]);
    expect(config.aliases['disk']).toBe('df -h');
  });

  test('the file of the earlier tool is read as it is, but for the entry with a password', () => {
    const text = readFileSync(new URL('config-earlier-tool.yaml', fixtures), 'utf8');
    const { config, unusable } = parse(text);
    expect(config.sshServers.map(({ name }) => name)).toEqual(['web-1', 'build']);
    expect(config.dockerHosts[1]?.sshConfig).toEqual({
      user: 'admin',
      port: 22,
      keyPath: join(homedir(), '.ssh/docker_key'),
    });
    expect(config.settings).toMatchObject({ timeoutMs: 30_000, logLevel: 'INFO', retryCount: 3 });
    expect(unusable).toEqual([
      {
        code: 'ERR_CONFIG',
        subject: 'legacy-box',
        message: `ssh server legacy-box cannot be used: ${file} holds its password (line 16)`,
        hint: 'mcp secret set LEGACY_BOX_PASSWORD, then in the entry `password_variable: LEGACY_BOX_PASSWORD` instead of `password`',
      },
    ]);
  });

  test('the version alone gives the defaults, which also hold without a file', () => {
    const { config } = parse(head);
    expect(config).toEqual(absentConfig().config);
    expect(absentConfig()).toMatchObject({ state: 'absent', unusable: [], digest: '' });
    expect(config.settings).toMatchObject({
      defaultBackend: 'sealed',
      ttlMs: 300_000,
      maxStaleMs: 1_800_000,
      lockAfterMs: 28_800_000,
      presence: 'terminal',
      path: undefined,
      identityFile: undefined,
      limits: { frame: 262_144, connections: 12_000, connectionsPerProcess: 64 },
    });
    expect(config.backends).toEqual({
      sealed: { kind: 'sealed-file', settings: {} },
      keychain: { kind: 'keychain', settings: {} },
    });
  });

  test('B7: names that every object has are names like any other', () => {
    const { config } = parse(head);
    const names = ['constructor', 'toString', '__proto__'];
    for (const records of [config.backends, config.variables, config.servers, config.aliases]) {
      expect(names.map((name) => records[name])).toEqual([undefined, undefined, undefined]);
    }
    const text = `${head}variables: {constructor: {backend: sealed}, toString: {}}\n`;
    expect(Object.keys(parse(text).config.variables)).toEqual(['constructor', 'toString']);
  });

  test.each([
    [
      'a section with all of it commented out',
      'servers:\n#  a: {command: [x]}\nsettings:\n  ttl:\n',
    ],
    [
      'null for what an entry lacks',
      'ssh_servers: [{name: a, host: h, user: u, password: null, key_path: ~}]\n',
    ],
    ['a document mark at the start', '---\n'],
    ['Windows line ends', 'settings:\r\n  ttl: 5m\r\n'],
    ['text with special characters in quotes', 'aliases: {a: "*x &y !z"}\n'],
    ['a timeout as text', 'settings: {timeout: 30s}\n'],
    ['a version as a number', 'variables: {A: {version: 3}}\n'],
    ['the lifetime of a built-in backend', 'backends: {sealed: {kind: sealed-file, ttl: 1m}}\n'],
    [
      'a backend that comes later',
      'variables: {A: {backend: v}}\nbackends: {v: {kind: command, get: [x]}}\n',
    ],
    [
      'a jump through an entry that cannot be used',
      'ssh_servers: [{name: a, host: h, user: u, jump: b}, {name: b, host: h, user: u, password: x}]\n',
    ],
  ])('%s is accepted', (_what, text) => {
    expect(parse(text.startsWith('---') ? `${text}${head}` : `${head}${text}`).state).toBe(
      'loaded',
    );
  });

  test('the digest tells contents apart', () => {
    expect(parse(head).digest).toBe(parse(head).digest);
    expect(parse(head).digest).not.toBe(parse(`${head}\n`).digest);
  });
});
