import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BrokerError } from '@mcp-broker/providers/errors';
import { changeConfig } from './change.ts';
import { getConfig, listConfig, setConfig } from './keys.ts';

const text = `# mine
version: "1.0"
settings:
  ttl: 1m # short
servers:
  github:
    command: [npx, server]
    env: {TOKEN: "$<TOKEN>"}
backends:
  vault: {kind: vault, url: "https://vault.example", auth_method: token, path: secret/mcp}
`;

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-config-'));
  file = join(folder, 'config.yaml');
  writeFileSync(file, text, { mode: 0o600 });
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const now = (): string => readFileSync(file, 'utf8');

async function failureOf(action: () => unknown): Promise<BrokerError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('get', () => {
  test.each([
    ['settings.ttl', '1m', 'file'],
    ['settings.max_stale', '30m', 'default'],
    ['settings.limits.connections', 12_000, 'default'],
    ['servers.github.env.TOKEN', '$<TOKEN>', 'file'],
    ['servers.github.command', ['npx', 'server'], 'file'],
    ['backends.vault.auth_method', 'token', 'file'],
    ['settings.proxy', { no_proxy: [] }, 'default'],
    ['version', '1.0', 'file'],
  ])('%s', (key, value, origin) => {
    expect(getConfig(file, key)).toEqual({ key, value, origin });
  });

  test('a section has the defaults of what it does not set', () => {
    const { value, origin } = getConfig(file, 'settings');
    expect(origin).toBe('file');
    expect(value).toMatchObject({ ttl: '1m', max_stale: '30m', limits: { frame: '256KiB' } });
  });

  test('what is not set and has no default is not there', async () => {
    const error = await failureOf(() => getConfig(file, 'settings.identity_file'));
    expect(error.code).toBe('ERR_NOT_FOUND');
    expect(error.hint).toBe('mcp config set settings.identity_file VALUE');
    expect((await failureOf(() => getConfig(file, 'servers.none'))).code).toBe('ERR_NOT_FOUND');
  });

  test.each([
    ['settings.tttl', 'did you mean settings.ttl?'],
    ['setings', 'did you mean settings?'],
    ['backends.vault.ulr', 'did you mean backends.vault.url?'],
    ['settings.ttl.x', 'settings.ttl has no keys of its own'],
  ])('%s is no key', async (key, hint) => {
    const error = await failureOf(() => getConfig(file, key));
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.hint).toBe(hint);
  });

  test('without a file the defaults count', () => {
    rmSync(file);
    expect(getConfig(file, 'settings.ttl')).toMatchObject({ value: '5m', origin: 'default' });
  });

  test('a password of the earlier tool is shown by nothing', async () => {
    const earlier = 'ssh_servers:\n  - {name: a, host: h, user: u, password: hunter2}\n';
    writeFileSync(file, `version: "1.0"\n${earlier}`);
    const { value } = getConfig(file, 'ssh_servers');
    expect(JSON.stringify([value, listConfig(file)])).not.toContain('hunter2');
    const error = await failureOf(() => getConfig(file, 'ssh_servers[0].password'));
    expect(JSON.stringify(error.toShape())).not.toContain('hunter2');
  });
});

describe('list', () => {
  test('has every key that counts, once, with where it stands', () => {
    const entries = listConfig(file);
    const keys = entries.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(entries).toContainEqual({ key: 'settings.ttl', value: '1m', origin: 'file' });
    expect(entries).toContainEqual({
      key: 'settings.presence',
      value: 'terminal',
      origin: 'default',
    });
    expect(entries).toContainEqual({
      key: 'backends.sealed.kind',
      value: 'sealed-file',
      origin: 'default',
    });
    expect(entries).toContainEqual({
      key: 'servers.github.env.TOKEN',
      value: '$<TOKEN>',
      origin: 'file',
    });
    for (const entry of entries) expect(getConfig(file, entry.key)).toEqual(entry);
  });
});

describe('set', () => {
  test.each([
    ['settings.ttl', '15m', '15m', 'ttl: 15m # short'],
    ['settings.notify', 'true', true, 'notify: true'],
    ['settings.retry_count', '7', 7, 'retry_count: 7'],
    ['settings.timeout', '30', 30, 'timeout: 30'],
    ['settings.path', '["/bin", "/usr/bin"]', ['/bin', '/usr/bin'], 'path: [/bin, /usr/bin]'],
    ['servers.github.env.LEVEL', '1', '1', 'LEVEL: "1"'],
    ['variables.A.version', '3', 3, 'version: 3'],
    ['servers."my.server"', '{"command": ["x"]}', { command: ['x'], env: {} }, 'my.server:'],
  ])('%s to %s', async (key, typed, value, line) => {
    expect(await setConfig(file, key, typed)).toMatchObject({
      value,
      origin: 'file',
      changed: true,
    });
    expect(now()).toContain(line);
    expect(now()).toContain('# mine');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
    expect((await setConfig(file, key, typed)).changed).toBe(false);
  });

  test('null takes a key away, and its default counts', async () => {
    expect(await setConfig(file, 'settings.ttl', 'null')).toEqual({
      key: 'settings.ttl',
      value: '5m',
      origin: 'default',
      changed: true,
    });
    expect(now()).not.toContain('ttl');
  });

  test.each([
    ['settings.ttl', 'soon', 'must be a duration'],
    ['settings.presence', 'terminall', 'did you mean terminal?'],
    ['settings.retry_count', 'many', 'must be a whole number'],
    ['settings.default_backend', 'valt', 'did you mean vault?'],
    ['settings.tttl', '1m', 'unknown key'],
    ['backends.vault.kind', 'null', 'is missing'],
    ['version', 'null', 'is missing'],
    ['servers.github', '{"command": []}', 'must name a program'],
    ['backends.vault.url', 'http://vault.example', 'must be an https:// address'],
  ])('%s to %s breaks the file, and leaves it as it was', async (key, typed, message) => {
    const error = await failureOf(() => setConfig(file, key, typed));
    expect(error.exitCode).toBe(78);
    expect(error.message + String(error.hint)).toContain(message);
    expect(error.hint).toBeDefined();
    expect(now()).toBe(text);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  test.each([
    ['settings.password', 'mcp secret set PASSWORD'],
    ['backends.vault.token', 'mcp secret set VAULT_TOKEN'],
    ['variables.DB.value', 'mcp secret set DB'],
    ['variables.DB', 'mcp config set'],
    ['servers.github.env.API_KEY', 'mcp secret set API_KEY'],
    ['ssh_servers[0].password', 'mcp secret set'],
  ])('a secret for %s is refused with what keeps it, and repeated nowhere', async (key, hint) => {
    const error = await failureOf(() => setConfig(file, key, 'hunter2'));
    expect(error.hint).toContain(hint);
    expect(JSON.stringify(error.toShape())).not.toContain('hunter2');
    expect(now()).toBe(text);
  });

  test('a secret deep in JSON is refused as well', async () => {
    const servers = '[{"name":"a","host":"h","user":"u","password":"hunter2"}]';
    const error = await failureOf(() => setConfig(file, 'ssh_servers', servers));
    expect(error.exitCode).toBe(78);
    expect(JSON.stringify(error.toShape())).not.toContain('hunter2');
    const env = '{"command":["x"],"env":{"MY_TOKEN":"hunter2"}}';
    expect((await failureOf(() => setConfig(file, 'servers.x', env))).hint).toContain(
      'mcp secret set MY_TOKEN',
    );
    expect(now()).toBe(text);
  });

  test('JSON that is none is refused, and not repeated', async () => {
    const error = await failureOf(() => setConfig(file, 'settings.path', '/bin:hunter2'));
    expect(error.code).toBe('ERR_USAGE');
    expect(JSON.stringify(error.toShape())).not.toContain('hunter2');
  });

  test('a file that is broken already is told with its line, and left alone', async () => {
    writeFileSync(file, 'version: "1.0"\nsettings: {tttl: 5m}\n');
    const error = await failureOf(() => setConfig(file, 'settings.ttl', '1m'));
    expect(error.message).toContain('line 2');
    expect(now()).toContain('tttl');
  });

  test('a first file is made, 0600', async () => {
    rmSync(file);
    await setConfig(file, 'settings.ttl', '1m');
    expect(now()).toBe('version: "1.0"\nsettings:\n  ttl: 1m\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('a link, and a file that others may read, are refused', async () => {
    chmodSync(file, 0o644);
    expect((await failureOf(() => setConfig(file, 'settings.ttl', '2m'))).hint).toContain('chmod');
    rmSync(file);
    const target = join(folder, 'target');
    writeFileSync(target, text, { mode: 0o600 });
    symlinkSync(target, file);
    expect((await failureOf(() => setConfig(file, 'settings.ttl', '2m'))).code).toBe(
      'ERR_INSECURE_FILE',
    );
    expect(readFileSync(target, 'utf8')).toBe(text);
  });

  test('a folder that nothing can be written to is named', async () => {
    const nowhere = join(folder, 'none', 'config.yaml');
    const error = await failureOf(() => setConfig(nowhere, 'settings.ttl', '2m'));
    expect(error).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      message: `${nowhere} cannot be changed: ENOENT`,
      hint: `ls -ld ${join(folder, 'none')}`,
    });
  });

  test('many at once are all there in the end', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `V${index}`);
    await Promise.all(names.map((name) => setConfig(file, `variables.${name}.ttl`, '1m')));
    expect(listConfig(file).filter(({ key }) => key.startsWith('variables.')).length).toBe(12);
  });

  test('what an editor writes meanwhile is not lost', async () => {
    let first = true;
    await changeConfig(file, (before) => {
      if (first) writeFileSync(file, before.replace('# mine', '# ours'));
      first = false;
      return before.replace('1m', '2m');
    });
    expect(now()).toBe(text.replace('1m', '2m').replace('# mine', '# ours'));
  });

  test('a file is never written that is too large to be read again', async () => {
    // Of half as many characters as bytes.
    const left = 2 ** 20 - text.length - 2;
    writeFileSync(file, `${text}#${'é'.repeat(Math.floor(left / 2))}\n`);
    const before = now();
    const refused = await failureOf(() => setConfig(file, 'aliases.disk', 'df --human-readable'));
    expect({ code: refused.code, isAsBefore: now() === before }).toEqual({
      code: 'ERR_CONFIG',
      isAsBefore: true,
    });
    expect(getConfig(file, 'settings.ttl').value).toBe('1m');
  });
});
