import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { examine, expectMended, idsOf, mend, writeCursor } from '../kit/doctor.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { killDaemon, statusOf } from '../kit/launches.ts';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';
import { trackProcesses } from '../kit/started.ts';

let home: Home;
const started = trackProcesses();
afterEach(async () => {
  started.kill();
  await home.remove();
});

const addConfig = (text: string): void => {
  const file = join(home.broker, 'config.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n${text}`);
};
const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('in a home as mcp init leaves it nothing is found, with a daemon and without', async () => {
  home = await createHome({ kind: 'identity' });
  expect(await examine(home)).toMatchObject({ code: 0, findings: [] });
  expectSuccess(await home.mcp(['daemon', 'stop']));
  expect(await examine(home)).toMatchObject({ code: 0, findings: [] });
  expect((await home.mcp(['status'])).code, 'no daemon was started').toBe(69);
  const { stdout, stderr, code } = await home.mcp(['doctor', '--fix']);
  expect([stdout, stderr, code]).toEqual(['', 'mcp: nothing is wrong\n', 0]);
});

test('without a home there is one finding, and nothing is made', async () => {
  home = await createHome({ kind: 'empty' });
  expect(await mend(home)).toMatchObject({
    code: 1,
    findings: [{ id: 'home-absent', subject: home.broker, remedy: 'mcp init', fixed: false }],
  });
  expect(statSync(home.broker, { throwIfNoEntry: false })).toBeUndefined();
});

describe('the home', () => {
  test('is narrowed where others can reach it, and what that hid is mended too', async () => {
    home = await createHome({ kind: 'identity' });
    await killDaemon(home);
    const wide = [
      [home.broker, 0o755, 0o700],
      [join(home.broker, 'audit'), 0o750, 0o700],
      [join(home.broker, 'secrets.age'), 0o644, 0o600],
      [join(home.broker, 'config.yaml'), 0o664, 0o600],
    ] as const;
    for (const [path, mode] of wide) chmodSync(path, mode);
    const { code, findings } = await examine(home);
    expect(code).toBe(1);
    expect(findings.map(({ id, subject }) => [id, subject])).toEqual(
      expect.arrayContaining([
        ['mode-folder', home.broker],
        ['mode-folder', join(home.broker, 'audit')],
        ['mode-file', join(home.broker, 'secrets.age')],
        ['mode-file', join(home.broker, 'config.yaml')],
      ]),
    );
    expect(
      wide.map(([path]) => modeOf(path)),
      'nothing is changed by a look',
    ).toEqual(wide.map(([, mode]) => mode));
    const mended = await mend(home);
    expect(mended.code, mended.stderr).toBe(0);
    expect(mended.findings.every(({ fixed }) => fixed)).toBe(true);
    expect(idsOf(mended)).toContain('socket-stale');
    expect(wide.map(([path]) => modeOf(path))).toEqual(wide.map(([, , mode]) => mode));
    expect(await mend(home)).toMatchObject({ code: 0, findings: [] });
  });

  test('is left alone where a link or somebody else stands in it', async () => {
    home = await createHome({ kind: 'identity' });
    const link = join(home.broker, 'audit', 'link');
    symlinkSync('/etc/passwd', link);
    expect(await mend(home)).toMatchObject({
      code: 1,
      findings: [{ id: 'home-unsafe', subject: link, fixable: false }],
    });
  });

  needs('root')('is left alone where a file is of another user', async () => {
    home = await createHome({ kind: 'identity' });
    const file = join(home.broker, 'secrets.age');
    expectSuccess(await run('chown', ['12345', file]));
    expect(idsOf(await mend(home))).toContain('home-unsafe');
    expect(statSync(file).uid).toBe(12345);
  });

  test('whose socket would have too long a path is told so', async () => {
    home = await createHome({ kind: 'empty' });
    const long = join(home.folder, 'x'.repeat(90));
    mkdirSync(long, { mode: 0o700 });
    expect(idsOf(await examine(home, ['--home', long]))).toContain('path-too-long');
  });

  test('without its sealed file, or what opens that, is told so', async () => {
    home = await createHome({ kind: 'sealed' });
    expectSuccess(await home.mcp(['daemon', 'stop']));
    rmSync(join(home.broker, 'identity.age'));
    expect(idsOf(await examine(home))).toEqual(['identity-absent']);
    rmSync(join(home.broker, 'secrets.age'));
    expect(idsOf(await examine(home))).toEqual(['sealed-file-absent']);
  });
});

describe('config.yaml', () => {
  test('that is broken is a finding with its line, and all else is looked at', async () => {
    home = await createHome({ kind: 'identity' });
    chmodSync(join(home.broker, 'secrets.age'), 0o644);
    addConfig('nonsense: 1\n');
    const found = await examine(home);
    expect(idsOf(found)).toEqual(['mode-file', 'config-broken']);
    expect(found.findings[1]?.cause).toMatch(/nonsense \(line \d+\)/u);
    expectSuccess(await home.mcp(['daemon', 'stop']));
    expect(idsOf(await mend(home)), 'also without a daemon').toEqual([
      'mode-file',
      'config-broken',
    ]);
  });

  test('with an entry that cannot be used is a finding that names no value', async () => {
    home = await createHome({ kind: 'identity' });
    addConfig('ssh_servers:\n  - {name: box, host: h, user: u, password: hunter22hunter}\n');
    const found = await examine(home);
    expect(found.findings).toMatchObject([{ id: 'config-entry' }]);
    expect(JSON.stringify(found)).not.toContain('hunter22');
  });

  test('gets the PATH of the person’s shell for a client that does not know it', async () => {
    home = await createHome({ kind: 'identity' });
    const env = { SHELL: '/bin/sh' };
    expect(await examine(home, [], { env }), 'nobody needs it').toMatchObject({ findings: [] });
    writeCursor(home, { one: { command: '/bin/sh' } });
    expect(await examine(home, [], { env })).toMatchObject({
      code: 0,
      findings: [{ id: 'path-unset', severity: 'advice', fixable: true }],
    });
    await expectMended(home, ['path-unset'], { env });
    const text = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
    expect(text).toMatch(/^ {2}path:.*\/usr\/bin/mu);
    expect(text, 'comments stay').toContain('# No value in this file is ever a secret');
  });

  test('keeps its search path when the shell does not say one', async () => {
    home = await createHome({ kind: 'identity' });
    writeCursor(home, { one: { command: '/bin/sh' } });
    const before = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
    const found = await mend(home, { env: { SHELL: '/bin/false' } });
    expect(found.findings).toMatchObject([{ id: 'path-unset', fixed: false }]);
    expect(found.stderr).toContain('was not mended: your shell did not say its PATH');
    expect(readFileSync(join(home.broker, 'config.yaml'), 'utf8')).toBe(before);
  });

  test('that names a folder which is gone is told so', async () => {
    home = await createHome({ kind: 'identity' });
    const file = join(home.broker, 'config.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^settings:$/mu, 'settings:\n  path: [/usr/bin, /nowhere]'));
    expect(await examine(home)).toMatchObject({
      code: 0,
      findings: [{ id: 'path-folder-gone', subject: '/nowhere' }],
    });
  });
});

describe('the socket', () => {
  test('that a killed daemon left is taken by another', async () => {
    home = await createHome({ kind: 'identity' });
    const before = (await statusOf(home)).pid;
    await killDaemon(home);
    expect(await examine(home)).toMatchObject({ code: 1, findings: [{ id: 'socket-stale' }] });
    await expectMended(home, ['socket-stale']);
    expect((await statusOf(home)).pid).not.toBe(before);
  });

  test('that others can reach is narrowed', async () => {
    home = await createHome({ kind: 'identity' });
    const socket = join(home.broker, 'run', 'broker.sock');
    chmodSync(socket, 0o666);
    await expectMended(home, ['mode-file']);
    expect(modeOf(socket)).toBe(0o600);
  });

  test('in whose place something else stands is left alone', async () => {
    home = await createHome({ kind: 'identity' });
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const socket = join(home.broker, 'run', 'broker.sock');
    writeFileSync(socket, '', { mode: 0o600 });
    expect(await mend(home)).toMatchObject({
      code: 1,
      findings: [{ id: 'socket-foreign', subject: socket, fixed: false }],
    });
  });

  test('on which somebody else answers is told so', async () => {
    home = await createHome({ kind: 'identity' });
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const socket = join(home.broker, 'run', 'broker.sock');
    const server = createServer((connection) => connection.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    chmodSync(socket, 0o600);
    try {
      expect(await mend(home)).toMatchObject({
        code: 1,
        findings: [{ id: 'daemon-unreachable', fixed: false }],
      });
    } finally {
      server.close();
    }
  });
});

test('mcp itself in a Node that is too old says so', async () => {
  home = await createHome({ kind: 'identity' });
  const preload = join(home.folder, 'preload.cjs');
  writeFileSync(
    preload,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });",
  );
  const main = join(mcpCommand, '..', '..', 'dist', 'mcp.cjs');
  const { code, stdout } = await run(process.execPath, ['-r', preload, main, 'doctor', '--json'], {
    env: home.env,
    cwd: home.folder,
  });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ findings: [{ id: 'node-version' }] });
});
