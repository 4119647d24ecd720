import { BrokerError } from '@mcp-broker/providers/errors';
import { describe, expect, test } from 'vitest';
import { parseConfig } from './parse.ts';
import type { LoadedConfig } from './types.ts';

const head = 'version: "1.0"\n';
const file = '/home/me/.mcp/config.yaml';

function parse(text: string): LoadedConfig {
  return parseConfig(text, file);
}

function failure(text: string): BrokerError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

// Each text follows `version: "1.0"` on line 1.
describe('a bad file is refused with the key, the line and what would be right', () => {
  test.each([
    ['settings:\n  tll: 5m', 'settings.tll (line 3): unknown key: did you mean ttl?'],
    ['setings: {}', 'setings (line 2): unknown key: did you mean settings?'],
    ['colour: red', 'colour (line 2): unknown key'],
    ['settings:\n  ttl: 5', 'settings.ttl (line 3): must be text: put it in quotes'],
    [
      'settings:\n\n  ttl: 5 minutes',
      'settings.ttl (line 4): must be a duration such as 30s, 15m, 8h or 30d',
    ],
    [
      'settings: {presence: passphrse}',
      'settings.presence (line 2): must be one of terminal, passphrase: did you mean passphrase?',
    ],
    ['settings: {notify: yes}', 'settings.notify (line 2): must be true or false'],
    ['settings: {path: /bin}', 'settings.path (line 2): must be a list'],
    [
      'settings:\n  path:\n  - /bin\n  - bin',
      'settings.path[1] (line 5): must be a path that begins with / or ~/',
    ],
    [
      'settings: {identity_file: id}',
      'settings.identity_file (line 2): must be a path that begins with / or ~/',
    ],
    [
      'settings: {limits: {frame: 1KiB}}',
      'settings.limits.frame (line 2): must lie between 4KiB and 16MiB',
    ],
    [
      'settings: {limits: {frame: 256KB}}',
      'settings.limits.frame (line 2): must be a size such as 256KiB or 64MiB',
    ],
    [
      'settings: {limits: {connections: 0}}',
      'settings.limits.connections (line 2): must be at least 1',
    ],
    [
      'settings: {limits: {connections: 1.5}}',
      'settings.limits.connections (line 2): must be a whole number',
    ],
    ['settings: {retry_count: 101}', 'settings.retry_count (line 2): must be at most 100'],
    [
      'settings: {timeout: soon}',
      'settings.timeout (line 2): must be a duration such as 30s, or a number of seconds',
    ],
    [
      'settings: {default_backend: seald}',
      'settings.default_backend (line 2): no backend has this name: did you mean sealed?',
    ],
    [
      'settings: {proxy: {https: "http://me:pw@proxy"}}',
      'settings.proxy.https (line 2): must hold no login: no value in this file is ever a secret',
    ],
    ['settings: 5', 'settings (line 2): must hold keys of its own'],
    [
      'backends: {v: {url: "https://v"}}',
      'backends.v.kind (line 2): is missing: must be one of sealed-file, keychain, vault, aws-secrets-manager, azure-key-vault, command',
    ],
    [
      'backends: {v: {kind: comand, get: [x]}}',
      'backends.v.kind (line 2): must be one of sealed-file, keychain, vault, aws-secrets-manager, azure-key-vault, command: did you mean command?',
    ],
    [
      'backends: {V: {kind: command, get: [x]}}',
      'backends.V (line 2): must be a backend name: a-z, then a-z, 0-9 and -',
    ],
    ['backends: {v: {kind: command}}', 'backends.v.get (line 2): is missing'],
    ['backends: {v: {kind: command, get: []}}', 'backends.v.get (line 2): must name a program'],
    [
      'backends: {sealed: {kind: command, get: [x]}}',
      'backends.sealed.kind (line 2): the backend sealed always has kind sealed-file',
    ],
    [
      'backends: {mine: {kind: sealed-file}}',
      'backends.mine.kind (line 2): the only backend of this kind is called sealed',
    ],
    [
      'variables:\n  A:\n    backend: keychian',
      'variables.A.backend (line 4): no backend has this name: did you mean keychain?',
    ],
    [
      'variables: {A: {backend: nowhere}}',
      'variables.A.backend (line 2): no backend has this name',
    ],
    [
      'variables: {A-B: {}}',
      'variables.A-B (line 2): must be a variable name: A-Z, a-z, 0-9 and _, not beginning with a digit',
    ],
    [
      'variables: {A: {path: a/../b}}',
      'variables.A.path (line 2): must be a path such as secret/databases/orders',
    ],
    [
      'variables: {A: {rotate: {method: generate}}}',
      'variables.A.rotate (line 2): must have either every or cron',
    ],
    [
      'variables: {A: {rotate: {method: command, every: 1d}}}',
      'variables.A.rotate (line 2): method: command needs a command',
    ],
    ['servers: {a: {command: npx}}', 'servers.a.command (line 2): must be a list'],
    ['servers: {a: {}}', 'servers.a.command (line 2): is missing'],
    [
      'servers: {a: {command: [x], env: {PORT: 80}}}',
      'servers.a.env.PORT (line 2): must be text: put it in quotes',
    ],
    [
      'servers: {a: {command: [x], env: {"A=B": x}}}',
      'servers.a.env.? (line 2): must be a variable name: A-Z, a-z, 0-9 and _, not beginning with a digit',
    ],
    ['servers:\n  a:', 'servers.a (line 3): must hold keys of its own'],
    ['ssh_servers: [{name: a, host: h}]', 'ssh_servers[0].user (line 2): is missing'],
    [
      'ssh_servers: [{name: a, host: -oX, user: u}]',
      'ssh_servers[0].host (line 2): must be a name without spaces',
    ],
    [
      'ssh_servers: [{name: a, host: h, user: u, port: 99999}]',
      'ssh_servers[0].port (line 2): must be at most 65535',
    ],
    [
      'ssh_servers:\n- {name: a, host: h, user: u}\n- {name: a, host: i, user: u}',
      'ssh_servers[1].name (line 4): the same name as on line 3',
    ],
    [
      'ssh_servers: [{name: web, host: h, user: u, jump: wbe}]',
      'ssh_servers[0].jump (line 2): no ssh server has this name: did you mean web?',
    ],
    [
      'docker_hosts: [{name: a, host: h, ssh_server: b}]',
      'docker_hosts[0].ssh_server (line 2): no ssh server has this name',
    ],
    [
      'docker_hosts: [{name: a, host: "tcp://me:pw@h"}]',
      'docker_hosts[0].host (line 2): must hold no login: no value in this file is ever a secret',
    ],
    ['ssh_servers: [~]', 'ssh_servers[0] (line 2): must hold keys of its own'],
    ['settings: {ttl: 5m, ttl: 6m}', 'settings.ttl (line 2): already stands on line 2'],
    ['settings: {}\nsettings: {}', 'settings (line 3): already stands on line 2'],
    ['__proto__: {}', '__proto__ (line 2): is not a name'],
    ['variables: {__proto__: {}}', 'variables.__proto__ (line 2): is not a name'],
    ['variables: {A}', 'variables (line 2): a key needs a colon and a value'],
    ['settings:\n\tttl: 5m', 'line 3: a tab cannot indent: use spaces'],
    ['settings:\n  ttl: 5m\n \t notify: true', 'line 4: a tab cannot indent: use spaces'],
    ['settings: {\n\tttl: 5m}', 'line 3: a tab cannot indent: use spaces'],
    [
      'settings: &a {}',
      'line 2: an anchor (&name) cannot stand here; text that begins with & needs quotes',
    ],
    [
      'settings: *a',
      'line 2: an alias (*name) cannot stand here; text that begins with * needs quotes',
    ],
    [
      'settings: !!map {}',
      'line 2: a tag (!name) cannot stand here; text that begins with ! needs quotes',
    ],
    [
      'settings: !js/function x',
      'line 2: a tag (!name) cannot stand here; text that begins with ! needs quotes',
    ],
    ['? [a]\n: b', 'line 2: a key that begins with ? cannot stand here'],
    ['---\nsettings: {}', 'line 2: a second document cannot stand here'],
    ['...\nsettings: {}', 'line 3: a second document cannot stand here'],
    ['settings: {ttl: "5m}', 'line 3: a colon, comma, quote or bracket is missing'],
    [
      'settings:\n    ttl: 5m\n  notify: true',
      'line 4: the indentation does not fit the lines above',
    ],
    ['aliases:\n  a: b: c', 'line 3: text with a colon and a space in it needs quotes'],
    ['aliases: {a: "\0"}', 'line 2: a control character cannot stand here'],
    ['aliases: {a: x}\rsettings: {}', 'line 2: a control character cannot stand here'],
    ['aliases: {a: "x\\0"}', 'aliases.a (line 2): must be text on one line'],
    ['servers: {a: {command: ["x\\0"]}}', 'servers.a.command[0] (line 2): must hold no NUL'],
    ['servers: {a: {command: [x], env: {A: "\\0"}}}', 'servers.a.env.A (line 2): must hold no NUL'],
  ])('%j', (text, message) => {
    const error = failure(`${head}${text}\n`);
    expect(error).toMatchObject({ code: 'ERR_CONFIG', subject: file });
    expect(error.message).toBe(`${file}: ${message}`);
    expect(error.hint).toBe(`edit ${file}, then run: mcp config check`);
  });

  test.each([
    ['', 'version (line 1): is missing: must be "1.0", in quotes'],
    ['# nothing\n', 'version (line 1): is missing: must be "1.0", in quotes'],
    ['settings: {}\n', 'version (line 1): is missing: must be "1.0", in quotes'],
    ['version: 1.0\n', 'version (line 1): must be "1.0", in quotes'],
    ['version: "2.0"\n', 'version (line 1): must be "1.0", in quotes'],
    ['- a\n', 'line 1: must hold keys of its own'],
    ['just text\n', 'line 1: must hold keys of its own'],
    ['%YAML 1.1\n---\nversion: "1.0"\n', 'line 1: a directive (%) cannot stand here'],
    [`version: "1.0"\n#${' '.repeat(1024 * 1024)}`, 'line 1: the file is larger than 1 MiB'],
  ])('%.20j', (text, message) => {
    expect(failure(text).message).toBe(`${file}: ${message}`);
  });

  test('every problem comes at once, in the order of the lines', () => {
    const error = failure(`settings:\n  tll: 5m\n  notify: 3\nvariables: {A: {backend: x}}\n`);
    expect(error.message).toBe(
      `${file}: 4 problems: version (line 1): is missing: must be "1.0", in quotes; ` +
        'settings.tll (line 2): unknown key: did you mean ttl?; ' +
        'settings.notify (line 3): must be true or false; ' +
        'variables.A.backend (line 4): no backend has this name',
    );
    expect(error.problems.map(({ subject }) => subject)).toEqual([
      'version',
      'settings.tll',
      'settings.notify',
      'variables.A.backend',
    ]);
  });

  test('of many problems the first twenty are named', () => {
    const wrong = Array.from({ length: 30 }, (_, index) => `wrong${index}: 1`).join('\n');
    const error = failure(`${head}${wrong}\n`);
    expect(error.problems).toHaveLength(20);
    expect(error.message).toMatch(/: 30 problems: .*; and 10 more$/);
  });
});

describe('a secret', () => {
  test.each([
    ['settings: {password: hunter2}', 'settings.password', 'PASSWORD'],
    ['backends: {v: {kind: command, get: [x], token: hunter2}}', 'backends.v.token', 'V_TOKEN'],
    ['variables: {A: {value: hunter2}}', 'variables.A.value', 'A'],
    ['variables: {A: {secret: hunter2}}', 'variables.A.secret', 'A'],
    ['servers: {a: {command: [x], api_key: hunter2}}', 'servers.a.api_key', 'A_API_KEY'],
    [
      'servers: {a: {command: [x], clientSecret: hunter2}}',
      'servers.a.clientSecret',
      'A_CLIENTSECRET',
    ],
    ['passphrase: hunter2', 'passphrase', 'PASSPHRASE'],
  ])('is refused in %s, with the command that keeps it', (text, path, variable) => {
    const error = failure(`${head}${text}\n`);
    expect(error.message).toBe(`${file}: ${path} (line 2): no value in this file is ever a secret`);
    expect(error.hint).toBe(`remove ${path} and keep its value with: mcp secret set ${variable}`);
    expect(JSON.stringify(error.toShape())).not.toContain('hunter2');
  });

  test('in place of a variable’s entry is refused with the command that keeps it', () => {
    const error = failure(`${head}variables: {GITHUB_TOKEN: hunter2}\n`);
    expect(error.message).toBe(
      `${file}: variables.GITHUB_TOKEN (line 2): must hold keys of its own`,
    );
    expect(error.hint).toBe('mcp secret set GITHUB_TOKEN');
  });

  test.each([
    [
      'ssh_servers',
      '{name: b, host: h, user: u, password: hunter2}',
      'ssh server b cannot be used: FILE holds its password (line 3)',
      'mcp secret set B_PASSWORD, then in the entry `password_variable: B_PASSWORD` instead of `password`',
    ],
    [
      'ssh_servers',
      '{name: b, host: h, user: u, key_passphrase: hunter2}',
      'ssh server b cannot be used: FILE holds its key_passphrase (line 3)',
      'mcp secret set B_KEY, then in the entry `key_variable: B_KEY` instead of `key_passphrase`',
    ],
    [
      'kubernetes_clusters',
      '{name: b, kubeconfig_path: k, token: hunter2}',
      'kubernetes cluster b cannot be used: FILE holds its token (line 3)',
      'mcp secret set B_TOKEN, then in the entry `token_variable: B_TOKEN` instead of `token`',
    ],
    [
      'docker_hosts',
      '{name: b, host: h, tls_key: hunter2}',
      'docker host b cannot be used: FILE holds its tls_key (line 3)',
      'mcp secret set B_KEY, then in the entry `tls_key_variable: B_KEY` instead of `tls_key`',
    ],
    [
      'docker_hosts',
      '{name: b, host: h, ssh_config: {user: u, password: hunter2}}',
      'docker host b cannot be used: FILE holds its password (line 3)',
      'remove docker_hosts[0].ssh_config.password; an entry under ssh_servers with a password_variable or key_variable, named by ssh_server, takes its place',
    ],
  ])('in %s makes only its own entry unusable: %s', (section, entry, message, hint) => {
    const { config, unusable } = parse(`${head}${section}:\n- ${entry}\n`);
    expect([config.sshServers, config.kubernetesClusters, config.dockerHosts]).toEqual([
      [],
      [],
      [],
    ]);
    expect(unusable).toEqual([
      { code: 'ERR_CONFIG', subject: 'b', message: message.replace('FILE', file), hint },
    ]);
  });
});
