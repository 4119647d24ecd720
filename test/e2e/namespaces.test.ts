import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDocker, type Docker } from '../kit/docker.ts';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { cannotRun, lacks } from '../kit/needs.ts';
import { run, type Ended } from '../kit/run.ts';

// B2: a process of the same user in other namespaces, that the socket was handed to.

const clientFolder = fileURLToPath(new URL('../fixtures', import.meta.url));
const client = join(clientFolder, 'client.py');
const python = '/usr/bin/python3';
const nobody = 65_534;

/** A home whose daemon runs as this user. */
async function homeOf(uid: number): Promise<Home> {
  const home = await createHome({ kind: 'empty', owner: uid });
  const options = { uid, cwd: '/', fd3: home.passphrase };
  expectSuccess(await home.mcp(['init', '--yes', '--fd', '3'], options));
  expectSuccess(await home.mcp(['daemon', 'start'], { uid, cwd: '/' }));
  return {
    ...home,
    async remove() {
      await home.mcp(['daemon', 'stop'], { uid, cwd: '/' });
      await home.remove();
    },
  };
}

/** What the daemon says to a client that is started by these words. */
function ask(home: Home, uid: number, ...start: readonly string[]): Promise<Ended> {
  const env = { ...home.env, MCP_HOME: home.broker };
  return run('env', [...start, python, client, 'broker.status'], { env, uid, cwd: '/' });
}

async function refusals(home: Home): Promise<Record<string, unknown>[]> {
  return (await auditLines(home)).filter(({ event }) => event === 'refused-peer');
}

describe.skipIf(lacks('linux', 'root', 'unshare', 'python3')).each([
  ['root', 0],
  ['an ordinary user', nobody],
])('with the daemon of %s', (_title, uid) => {
  let home: Home;
  let before = 0;
  beforeAll(async () => {
    home = await homeOf(uid);
  }, 60_000);
  beforeEach(async () => {
    before = (await refusals(home)).length;
  });
  afterAll(async () => {
    await home.remove();
  });

  const own = ['--user', '--map-current-user'];
  const cases = [
    ['user', own],
    ['pid', uid === 0 ? ['--pid', '--fork'] : [...own, '--pid', '--fork']],
    ['mount', uid === 0 ? ['--mount'] : [...own, '--mount']],
  ] as const;

  test.each(cases)('B2: a client in another %s namespace is refused', async (kind, options) => {
    const ended = await ask(home, uid, 'unshare', ...options);
    expect(ended.code).toBe(1);
    const error = JSON.parse(ended.stderr) as { code: string; message: string; hint: string };
    const kinds = `${uid === 0 || kind === 'user' ? '' : 'user, '}${kind}`;
    expect(error).toMatchObject({
      code: 'ERR_DENIED',
      message: `this process runs in another ${kinds} namespace than the daemon, as in a container or sandbox`,
    });
    expect(error.hint).toMatch(/allow_namespaces|outside of the container/u);
    const lines = (await refusals(home)).slice(before);
    const pid = expect.any(Number) as number;
    expect(lines).toMatchObject([{ outcome: 'denied', pid, uid }]);
    expect(lines[0]?.['pid']).toBeGreaterThan(1);
  });

  test('a client in our own is served', async () => {
    expectSuccess(await ask(home, uid));
    expect(await refusals(home)).toHaveLength(before);
  });

  test('`mcp exec` in another one says what to do, and exits 77', async () => {
    const launch = ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'];
    const options = { env: home.env, uid, cwd: '/' };
    const ended = await run('unshare', [...own, mcpCommand, ...launch], options);
    expect(ended.code).toBe(77);
    expect(ended.stderr).toMatch(/^mcp: error: this process runs in another user namespace/mu);
    expect(ended.stderr).toMatch(/^mcp: hint: /mu);
  });

  test('a program that the kernel shields from others is refused, as nobody can tell where it runs', async () => {
    // Undumpable, as ssh-agent is. Root may look all the same.
    const shield =
      'import ctypes, runpy, sys; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name="__main__")';
    const env = { ...home.env, MCP_HOME: home.broker };
    const args = ['-c', shield, client, 'broker.status'];
    const ended = await run(python, args, { env, uid, cwd: '/' });
    const answer = uid === 0 ? /^\{"version"/u : /ERR_DENIED.*cannot be read/u;
    expect(ended.stdout + ended.stderr).toMatch(answer);
  });
});

describe.skipIf(lacks('linux', 'root', 'dockerd', 'docker', 'python3'))('in a container', () => {
  let docker: Docker | undefined;
  let home: Home;
  let container = '';
  let cannot = '';
  beforeAll(async () => {
    home = await homeOf(nobody);
    try {
      docker = await startDocker();
      const mounts = [home.folder, clientFolder];
      container = await docker.startContainer({ mounts, uid: nobody });
    } catch (error) {
      cannot = (error as Error).message;
    }
  }, 120_000);
  afterAll(async () => {
    await docker?.stop();
    await home.remove();
  });

  function askInside(): Promise<Ended> {
    const env = ['-e', `MCP_HOME=${home.broker}`];
    return (docker as Docker).docker('exec', ...env, container, python, client, 'broker.status');
  }

  async function allow(...groups: readonly string[]): Promise<void> {
    const file = join(home.broker, 'config.yaml');
    const text = readFileSync(file, 'utf8').replace(/^ {2}allow_namespaces:.*\n/mu, '');
    const line = `  allow_namespaces: ${JSON.stringify(groups)}\n`;
    writeFileSync(file, text.replace(/^settings:\n/mu, `settings:\n${line}`));
    expect(statSync(file).uid).toBe(nobody);
    expectSuccess(await home.mcp(['config', 'check'], { uid: nobody, cwd: '/' }));
    const reload = ['-c', `exec ${python} ${client} config.reload`];
    const env = { ...home.env, MCP_HOME: home.broker };
    expectSuccess(await run('sh', reload, { env, uid: nobody, cwd: '/' }));
  }

  async function restart(): Promise<void> {
    expectSuccess(await home.mcp(['daemon', 'restart'], { uid: nobody, cwd: '/' }));
  }

  test('B2: a client of the same user is refused, until the config names its control group', async (context) => {
    context.skip(docker === undefined && cannotRun(cannot));

    const refused = await askInside();
    expect(refused.code).toBe(1);
    const { code, message, hint } = JSON.parse(refused.stderr) as Record<string, string>;
    expect({ code, message }).toEqual({
      code: 'ERR_DENIED',
      message:
        'this process runs in another pid, mount namespace than the daemon, as in a container or sandbox',
    });
    expect(await refusals(home)).toMatchObject([{ outcome: 'denied', uid: nobody }]);
    const group = /^add (\/\S+) to settings\.allow_namespaces/u.exec(hint ?? '')?.[1] ?? '';
    expect(group).toContain(container);

    await allow(group);
    expect((await askInside()).code, 'a running daemon is not loosened').toBe(1);
    await restart();
    expectSuccess(await askInside());

    await allow(`${group}-other`);
    expect((await askInside()).code, 'a running daemon is tightened at once').toBe(1);
    await allow(group);
    expect((await askInside()).code, 'and stays so').toBe(1);

    await allow(group.slice(0, group.lastIndexOf('/')));
    await restart();
    expectSuccess(await askInside());
  });
});
