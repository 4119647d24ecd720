import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { examine, expectMended, idsOf, mend } from '../kit/doctor.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { stubborn, killDaemon, launchOf, startLaunch, statusOf } from '../kit/launches.ts';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';
import { trackProcesses } from '../kit/started.ts';
import { openAuditLog } from '../../packages/daemon/src/audit/log.ts';

const daemonPackage = fileURLToPath(new URL('../../packages/daemon', import.meta.url));

let home: Home;
const started = trackProcesses();
afterEach(async () => {
  started.kill();
  await home.remove();
});

/** The daemon as it was built, in a copy that says that it is of another version. */
function copyDaemon(version: string): string {
  const folder = join(home.folder, 'other-daemon');
  mkdirSync(folder);
  cpSync(join(daemonPackage, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(daemonPackage, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(daemonPackage, 'node_modules'), join(folder, 'node_modules'));
  const name = readdirSync(join(folder, 'dist')).find((file) => file.startsWith('hardened-')) ?? '';
  const file = join(folder, 'dist', name);
  const text = readFileSync(file, 'utf8');
  const own = /const version=(["'`])(\d+\.\d+\.\d+)\1/u;
  expect(text).toMatch(own);
  // What it says of itself has another form, too.
  const status = text.replace(/\bbackends:await /u, 'stores:await ');
  expect(status).not.toContain('backends:await ');
  writeFileSync(file, status.replace(own, `const version="${version}"`));
  return join(folder, 'dist', 'main.js');
}

test('a daemon of another version is restarted', async () => {
  home = await createHome({ kind: 'identity' });
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const flags = ['--disable-sigusr1', '--expose-gc'];
  const child = spawn(home.node, [...flags, copyDaemon('9.9.9'), '--home', home.broker], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.add(child.pid ?? 0);
  await once(child.stderr, 'data');
  await expect
    .poll(async () => (await home.mcp(['daemon', 'status'])).code, { timeout: 15_000 })
    .toBe(0);
  const { findings } = await examine(home);
  expect(findings).toMatchObject([
    { id: 'daemon-version', cause: expect.stringContaining('version 9.9.9') as string },
  ]);
  const config = join(home.broker, 'config.yaml');
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, 'nonsense: 1\n');
  expect(idsOf(await mend(home)), 'it is kept while another could not start').toEqual(
    expect.arrayContaining(['config-broken', 'daemon-version']),
  );
  expect((await home.mcp(['daemon', 'status'])).stdout).toContain('version 9.9.9');
  writeFileSync(config, text);
  await expectMended(home, ['daemon-version']);
  expect((await statusOf(home)).version).not.toBe('9.9.9');
  expect(started.living()).toEqual([]);
});

test('a daemon that hangs is told, and is not waited for', async () => {
  home = await createHome({ kind: 'identity' });
  const { pid } = await statusOf(home);
  process.kill(pid, 'SIGSTOP');
  try {
    const found = await mend(home);
    expect(found).toMatchObject({ code: 1, findings: [{ id: 'daemon-unreachable' }] });
    expect(found.findings[0]?.cause).toBe('the daemon is there and does not answer');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(idsOf(await examine(home))).toEqual([]);
});

describe('memory', () => {
  needs(
    'root',
    'linux',
    'prlimit',
    'setpriv',
  )('that the kernel may write to swap is told of a daemon that may not lock it', async () => {
    home = await createHome({ kind: 'identity' });
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const limited = ['--memlock=16384:16384', 'setpriv', '--bounding-set=-ipc_lock'];
    const words = ['--inh-caps=-ipc_lock', mcpCommand, 'daemon', 'start'];
    expectSuccess(await run('prlimit', [...limited, ...words], { env: home.env }));
    await home.set('TOKEN', 'a value');
    expect(await mend(home)).toMatchObject({
      code: 1,
      findings: [{ id: 'memory-swappable', fixed: false }],
    });
  });

  needs(
    'root',
    'linux',
    'prlimit',
    'setpriv',
  )('that a daemon could not lock is advice, where none runs', async () => {
    const uid = 12_345;
    home = await createHome({ kind: 'empty', owner: uid });
    const init = ['init', '--yes', '--fd', '3'];
    expectSuccess(await home.mcp(init, { uid, fd3: `${home.passphrase}\n` }));
    expectSuccess(await home.mcp(['daemon', 'stop'], { uid }));
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const doctor = [mcpCommand, 'doctor', '--json'];
    const { stdout } = await run('prlimit', ['--memlock=65536:65536', ...as, ...doctor], {
      env: home.env,
      cwd: home.folder,
    });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, findings: [{ id: 'memory-limit' }] });
  });
});

describe('backends', () => {
  test('that are locked are advice', async () => {
    home = await createHome({ kind: 'identity' });
    expectSuccess(await home.mcp(['lock']));
    expect(await examine(home)).toMatchObject({
      code: 0,
      findings: [{ id: 'backend-locked', subject: 'sealed', remedy: 'mcp unlock' }],
    });
  });

  test('that a variable lies in and that cannot be used are wrong', async () => {
    home = await createHome({ kind: 'identity' });
    const file = join(home.broker, 'config.yaml');
    const vault = '{kind: vault, url: "https://127.0.0.1:1", auth_method: token, path: secret/mcp}';
    const without = `${readFileSync(file, 'utf8')}\nbackends:\n  far: ${vault}\n`;
    writeFileSync(file, without);
    expect(idsOf(await examine(home)), 'no variable lies in it').toEqual([]);
    writeFileSync(file, `${without}variables:\n  FAR: {backend: far}\n`);
    expectSuccess(await home.mcp(['daemon', 'restart']));
    expect(await examine(home)).toMatchObject({
      code: 1,
      findings: [{ id: 'backend-unavailable', subject: 'far' }],
    });
  });

  test('whose file holds nothing that can be read are wrong', async () => {
    home = await createHome({ kind: 'identity' });
    await home.set('TOKEN', 'x');
    writeFileSync(join(home.broker, 'secrets.age'), 'no age file', { mode: 0o600 });
    expect(idsOf(await examine(home))).toEqual(['backend-missing']);
  });
});

test('launches that wait for a person are advice', async () => {
  home = await createHome({ kind: 'identity' });
  await home.set('TOKEN', 'x');
  expect((await home.mcp(['exec', '--env', 'A=$<TOKEN>', '--', '/bin/true'])).code).toBe(77);
  expect(await examine(home)).toMatchObject({ code: 0, findings: [{ id: 'approval-pending' }] });
});

test('what a killed launch left while no daemon ran is ended by one', async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'x');
  await home.approve(launchOf(stubborn));
  const launched = await startLaunch(home, stubborn, 'node', started);
  expect(idsOf(await examine(home)), 'it runs as it should').toEqual([]);
  // At once, so that the wrapper does not start another daemon.
  const { pid } = await statusOf(home);
  process.kill(launched.wrapper, 'SIGSTOP');
  const daemon = trackProcesses();
  daemon.add(pid);
  process.kill(pid, 'SIGKILL');
  await expect.poll(daemon.living, { timeout: 15_000 }).toEqual([]);
  process.kill(launched.wrapper, 'SIGKILL');
  await launched.ended;
  const left = launched.living();
  expect(left.length).toBeGreaterThan(0);
  const found = await examine(home);
  expect(idsOf(found)).toEqual(expect.arrayContaining(['socket-stale', 'orphan']));
  const { cause } = found.findings.find(({ id }) => id === 'orphan') ?? { cause: '' };
  for (const one of left) expect(cause).toContain(String(one));
  expect(launched.living(), 'a look ends nothing').toEqual(left);
  const mended = await mend(home);
  expect(mended.findings.filter(({ fixed }) => fixed).map(({ id }) => id)).toContain('orphan');
  expect(launched.living()).toEqual([]);
  expect(idsOf(await mend(home))).toEqual(['backend-locked']);
});

describe('grants', () => {
  test('that were edited are told, and the file that was set aside later too', async () => {
    home = await createHome({ kind: 'sealed' });
    await home.set('TOKEN', 'x');
    const launch = ['--env', 'A=$<TOKEN>', '--', '/bin/true'];
    await home.approve(launch);
    const file = join(home.broker, 'grants');
    expectSuccess(await home.mcp(['lock']));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"always"', '"always" '));
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    expect(idsOf(await examine(home))).toEqual(['grants-aside']);
    await home.approve(launch);
    const found = await mend(home);
    expect(found).toMatchObject({ code: 0, findings: [{ id: 'grants-left', fixable: false }] });
    expect(readdirSync(home.broker).some((name) => name.startsWith('grants.refused-'))).toBe(true);
    // The mv of a person.
    rmSync(found.findings[0]?.subject ?? '');
    expect(idsOf(await examine(home))).toEqual([]);
  });
});

describe('the audit', () => {
  test('in which a line was changed is not whole, with a daemon and without', async () => {
    home = await createHome({ kind: 'identity' });
    await home.set('TOKEN', 'x');
    const file = join(home.broker, 'audit', 'current.jsonl');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"event":"start"', '"event":"stop" '));
    const found = await examine(home);
    expect(found).toMatchObject({ code: 1, findings: [{ id: 'audit-broken', fixable: false }] });
    expect(found.findings[0]?.subject).toMatch(/current\.jsonl:1$/u);
    await killDaemon(home);
    expect(idsOf(await examine(home))).toEqual(['socket-stale', 'audit-broken']);
  });

  test('of which the end was taken away is not whole without a daemon', async () => {
    home = await createHome({ kind: 'identity' });
    await home.set('TOKEN', 'x');
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const file = join(home.broker, 'audit', 'current.jsonl');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(file, `${lines.slice(0, -1).join('\n')}\n`);
    expect(idsOf(await examine(home))).toEqual(['audit-broken']);
  });

  test('of which the machine cut off the last line is whole', async () => {
    home = await createHome({ kind: 'identity' });
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const file = join(home.broker, 'audit', 'current.jsonl');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"v":1,"seq":`);
    expect(idsOf(await examine(home))).toEqual([]);
  });

  test('that cannot be written is told', async () => {
    home = await createHome({ kind: 'identity' });
    const folder = join(home.broker, 'audit');
    renameSync(folder, join(home.broker, 'elsewhere'));
    writeFileSync(folder, '', { mode: 0o600 });
    expect((await home.mcp(['secret', 'set', 'A', '--stdin'], { input: 'x' })).code).not.toBe(0);
    expect(idsOf(await examine(home))).toEqual(['audit-failing', 'audit-broken']);
    rmSync(folder);
    renameSync(join(home.broker, 'elsewhere'), folder);
  });
});

describe('the clock', () => {
  /** A log that was written by another clock, in a home whose daemon has not written any yet. */
  async function writeLog(...clock: readonly number[]): Promise<void> {
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const folder = join(home.broker, 'audit');
    rmSync(folder, { recursive: true });
    let at = 0;
    const log = await openAuditLog(folder, () => Date.now() + (clock[at] ?? 0));
    for (; at < clock.length; at += 1) await log.append({ event: 'start', outcome: 'allowed' });
    await log.close();
  }

  test('is wrong when the audit has a line of the future', async () => {
    home = await createHome({ kind: 'identity' });
    await writeLog(-1000, 7_260_000);
    const found = await examine(home);
    expect(found).toMatchObject({ code: 1, findings: [{ id: 'clock-future' }] });
    expect(found.findings[0]?.cause).toContain('2h in the future');
  });

  test('was set back when time ran backwards in the audit, which is advice for a day', async () => {
    home = await createHome({ kind: 'identity' });
    await writeLog(-3_600_000, -18_060_000, -1000);
    const found = await examine(home);
    expect(found).toMatchObject({ code: 0, findings: [{ id: 'clock-set-back' }] });
    expect(found.findings[0]?.cause).toContain('set back by 4h');
    await writeLog(-90_000_000, -180_000_000, -1000);
    expect(idsOf(await examine(home))).toEqual([]);
  });
});
