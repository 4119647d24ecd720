import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';

const entry = ['--env', 'TOKEN=$<TOKEN>'] as const;
const children: ChildProcess[] = [];
let home: Home;

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
}, 60_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await home.remove();
});

interface Waiting {
  readonly child: ChildProcess;
  /** Of the request, once it was named. */
  readonly id: Promise<string>;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

function wait(duration: string, command: readonly string[]): Waiting {
  const args = ['exec', '--wait-approval', duration, ...entry, '--', ...command];
  const child = spawn(mcpCommand, args, { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  const named = Promise.withResolvers<string>();
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
    const [, id] = /^mcp: waiting for approval: .*approve (\w{4})\n/u.exec(output.stderr) ?? [];
    if (id !== undefined) named.resolve(id);
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }));
  return { child, id: named.promise, ended };
}

async function connections(): Promise<number> {
  const { stdout } = expectSuccess(await home.mcp(['status', '--json']));
  return (JSON.parse(stdout) as { connections: number }).connections;
}

describe('a launch that may wait', () => {
  test('runs as soon as it is approved', async () => {
    const launch = wait('5m', ['sh', '-c', 'printf %s "$TOKEN"']);
    const id = await launch.id;
    expectSuccess(await home.mcp(['approve', id, '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    const { stderr, ...ended } = await launch.ended;
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'value' });
    expect(stderr.match(/waiting for approval/gu)).toHaveLength(1);
  });

  test('ends with 77 when its time is over, and says again what to type', async () => {
    const { code, stdout, stderr } = await wait('300ms', ['echo', 'over']).ended;
    expect({ code, stdout }).toEqual({ code: 77, stdout: '' });
    expect(stderr).toMatch(
      /^mcp: waiting for approval: in a terminal: mcp approve (\w{4})\nmcp: error: .*not approved for TOKEN\nmcp: hint: in a terminal: mcp approve \1\n$/u,
    );
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it at once, and its request', async (name) => {
    const before = await connections();
    const launch = wait('1h', ['echo', name]);
    await launch.id;
    expect(await connections()).toBe(before + 1);
    launch.child.kill(name);
    expect(await launch.ended).toMatchObject({ code: null, signal: name, stdout: '' });
    await vi.waitFor(async () => expect(await connections()).toBe(before), { timeout: 10_000 });
  });

  test('says 128 and the number of the signal to a shell', async () => {
    const script = `"$0" exec --wait-approval 1h --env 'TOKEN=$<TOKEN>' -- echo shell & child=$!
      read -r said; kill -TERM "$child"; wait "$child"; echo "$?"`;
    const child = spawn('sh', ['-c', script, mcpCommand], { env: home.env, stdio: 'pipe' });
    children.push(child);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.once('data', () => child.stdin.write('go\n'));
    await once(child, 'close');
    expect(stdout).toBe('143\n');
  });
});
