import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { connectTo, launchOf } from '../kit/protocol.ts';
import { start } from '../kit/run.ts';

const within = { timeout: 10_000 };
let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'identity' });
  await home.set('TOKEN', 'value');
}, 60_000);
afterAll(async () => {
  await home.remove();
});

async function status(): Promise<{
  pid: number;
  config: { state: string };
  cache: { entries: number };
}> {
  return JSON.parse(expectSuccess(await home.mcp(['status', '--json'])).stdout) as never;
}

describe('the life of the daemon', () => {
  test('socket, folder and files are the user’s alone', () => {
    const mode = (path: string): string =>
      (statSync(join(home.broker, path)).mode & 0o777).toString(8);
    expect(['', 'run', 'audit'].map(mode)).toEqual(['700', '700', '700']);
    const files = [
      'run/broker.sock',
      'run/daemon.log',
      'audit/current.jsonl',
      'secrets.age',
      'config.yaml',
    ];
    expect(files.map(mode)).toEqual(['600', '600', '600', '600', '600']);
  });

  test('start, stop and restart say what they did, and a second time changes nothing', async () => {
    const first = await status();
    expect((await home.mcp(['daemon', 'start'])).code).toBe(0);
    expect((await status()).pid).toBe(first.pid);
    expectSuccess(await home.mcp(['daemon', 'restart']));
    expect((await status()).pid).not.toBe(first.pid);
    expectSuccess(await home.mcp(['daemon', 'stop']));
    expect(existsSync(join(home.broker, 'run/broker.sock'))).toBe(false);
    expect((await home.mcp(['daemon', 'status'])).code).toBe(69);
    expect((await home.mcp(['daemon', 'stop'])).code).toBe(0);
  });

  test('A14: a killed daemon leaves a socket that the next one takes over', async () => {
    expectSuccess(await home.mcp(['daemon', 'start']));
    const { pid } = await status();
    process.kill(pid, 'SIGKILL');
    expectSuccess(await home.mcp(['secret', 'list']));
    expect((await status()).pid).not.toBe(pid);
  });

  test('A14: 200 first uses at once end with one daemon, and every one is served', async () => {
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const starts = async (): Promise<number> =>
      (await auditLines(home)).filter((line) => line['event'] === 'start').length;
    const before = await starts();
    const ended = await Promise.all(
      Array.from({ length: 200 }, () => home.mcp(['secret', 'show', 'TOKEN', '--json'])),
    );
    expect(ended.filter(({ code }) => code !== 0)).toEqual([]);
    expect(await starts()).toBe(before + 1);
    const log = readFileSync(join(home.broker, 'run/daemon.log'), 'utf8');
    expect(log).not.toContain('ERR_');
  }, 180_000);

  needs('linux')('a daemon that goes during a launch ends it with 69', async () => {
    const client = await connectTo(home);
    const { pid } = await status();
    process.kill(pid, 'SIGSTOP');
    const asked = client.call('launch.request', launchOf('TOKEN')).catch((error: unknown) => error);
    const words = ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'];
    const launch = start(mcpCommand, words, { env: home.env });
    const closed = once(launch, 'close');
    // Ours and the wrapper's wait in the daemon's queue, beside the socket that listens.
    const connected = (): number =>
      readFileSync('/proc/net/unix', 'utf8').split(home.broker).length - 1;
    await expect.poll(connected, within).toBe(3);
    // Without an answer to what it has written, there is nothing that it can do.
    const state = (): string =>
      /\) (\w) /u.exec(readFileSync(`/proc/${launch.pid ?? 0}/stat`, 'latin1'))?.[1] ?? '';
    await expect.poll(state, within).toBe('S');
    process.kill(pid, 'SIGKILL');
    expect(await asked).toMatchObject({ code: 'ERR_DAEMON_UNREACHABLE' });
    expect(await closed).toEqual([69, null]);
  });
});

describe('the configuration', () => {
  const file = (): string => join(home.broker, 'config.yaml');
  let good = '';
  beforeAll(() => {
    good = readFileSync(file(), 'utf8');
  });
  afterEach(async () => {
    writeFileSync(file(), good);
    await expect.poll(async () => (await status()).config.state, within).toBe('loaded');
  });

  test('is read again when it changes', async () => {
    writeFileSync(file(), `${good}\nvariables:\n  TOKEN: {ttl: 7s}\n`);
    await expect
      .poll(async () => (await home.mcp(['secret', 'show', 'TOKEN', '--json'])).stdout, within)
      .toMatch(/"ttlMs":\s*7000/u);
  });

  test('that is broken keeps the old one in force and says so', async () => {
    writeFileSync(file(), `${good}\nsetings: {}\n`);
    await expect.poll(async () => (await status()).config.state, within).toBe('kept');
    expectSuccess(await home.mcp(['secret', 'show', 'TOKEN']));
    const { stdout } = await home.mcp(['status']);
    expect(stdout).toContain('setings');
  });

  test('is read again on SIGHUP', async () => {
    const { pid } = await status();
    const readings = async (): Promise<number> =>
      (await auditLines(home)).filter((line) => line['event'] === 'config').length;
    const before = await readings();
    process.kill(pid, 'SIGHUP');
    await expect.poll(readings, within).toBe(before + 1);
  });
});

describe('A14: a home', () => {
  const cases: [
    title: string,
    says: RegExp,
    spoil: (home: Home) => void,
    mend: (home: Home) => void,
  ][] = [
    [
      'that others can reach',
      /can be reached by other users[^]*chmod 700/u,
      ({ broker }) => {
        chmodSync(broker, 0o755);
      },
      ({ broker }) => {
        chmodSync(broker, 0o700);
      },
    ],
    [
      'whose socket folder is a link',
      /symbolic link/u,
      ({ broker, folder }) => {
        rmSync(join(broker, 'run'), { recursive: true });
        mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
        symlinkSync(join(folder, 'elsewhere'), join(broker, 'run'));
      },
      ({ broker }) => {
        rmSync(join(broker, 'run'));
      },
    ],
    [
      'with a file where the socket belongs',
      /broker\.sock/u,
      ({ broker }) => {
        writeFileSync(join(broker, 'run', 'broker.sock'), 'not a socket');
      },
      ({ broker }) => {
        rmSync(join(broker, 'run', 'broker.sock'));
      },
    ],
  ];
  test.each(cases)('%s is refused with 78', async (_title, says, spoil, mend) => {
    expectSuccess(await home.mcp(['daemon', 'stop']));
    spoil(home);
    const refused = await home.mcp(['secret', 'list']);
    mend(home);
    expect(refused.stderr).toMatch(says);
    expect(refused.code).toBe(78);
    expectSuccess(await home.mcp(['secret', 'list']));
  });
});
