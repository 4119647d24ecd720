import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { start, type Ended } from '../kit/run.ts';

// Clients that start a server twice at once: one start is to find out what it speaks, and is thrown away.

const value = 'value of the token';
let home: Home;
let file = '';
let count = 0;

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', value);
  file = join(home.folder, 'project', '.mcp.json');
  mkdirSync(join(home.folder, 'project'));
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** Another entry for each test: none has been approved. */
beforeEach(() => {
  count += 1;
  const args = ['-c', 'printf "%s %s" "$0" "$TOKEN"', String(count)];
  const server = { command: '/bin/sh', args, env: { TOKEN: '$<TOKEN>' } };
  writeFileSync(file, JSON.stringify({ mcpServers: { server } }));
});

/** Starts it as often as is said, all in one turn, by one parent. */
async function atOnce(times: number, options: readonly string[] = []): Promise<Ended[]> {
  const script = 'echo ready; read -r go; exec "$0" exec "$@"';
  const args = ['-c', script, mcpCommand, ...options, '--from', file, 'server'];
  const children = Array.from({ length: times }, () => {
    const child = start('/bin/sh', args, { env: home.env, keepInput: true });
    const output = { stdout: '', stderr: '' };
    const ready = Promise.withResolvers<void>();
    child.stdout?.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
      if (output.stdout.startsWith('ready\n')) ready.resolve();
    });
    child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => ({
      code: code as number,
      stdout: output.stdout.replace('ready\n', ''),
      stderr: output.stderr,
    }));
    return { child, ready: ready.promise, ended };
  });
  await Promise.all(children.map(({ ready }) => ready));
  for (const { child } of children) child.stdin?.end('go\n');
  return Promise.all(children.map(({ ended }) => ended));
}

async function pending(): Promise<string[]> {
  const { stdout } = expectSuccess(await home.mcp(['approvals', 'list', '--json']));
  return (JSON.parse(stdout) as { pending: { id: string }[] }).pending.map(({ id }) => id);
}

async function approve(id: string, ...terms: readonly string[]): Promise<void> {
  const args = ['approve', id, ...terms, '--fd', '3'];
  expectSuccess(await home.mcp(args, { fd3: `${home.passphrase}\n` }));
}

const idIn = ({ stderr }: Ended): string | undefined => /approve (\w{4})$/mu.exec(stderr)?.[1];

describe('two starts in one millisecond', () => {
  test('are one request, and each names it', async () => {
    const before = await pending();
    const ended = await atOnce(2);
    expect(ended.map(({ code }) => code)).toEqual([77, 77]);
    const added = (await pending()).filter((id) => !before.includes(id));
    expect(added).toHaveLength(1);
    expect(ended.map(idIn)).toEqual([added[0], added[0]]);
  });

  test('both run when that was approved once, and another client does not', async () => {
    const [first] = await atOnce(2);
    await approve(first === undefined ? '' : (idIn(first) ?? ''), '--for', 'once');
    for (const ended of await atOnce(2)) {
      expect(ended).toEqual({ code: 0, stdout: `${count} ${value}`, stderr: '' });
    }
    const args = ['-c', '"$0" exec "$@"; exit "$?"', mcpCommand, '--from', file, 'server'];
    const other = start('/bin/sh', args, { env: home.env });
    expect(await once(other, 'close')).toEqual([77, null]);
  });

  test('wait for one approval, and both run', async () => {
    const before = await pending();
    const ended = atOnce(2, ['--wait-approval', '5m']);
    const added = async (): Promise<string[]> =>
      (await pending()).filter((id) => !before.includes(id));
    await expect.poll(added, { timeout: 20_000 }).toHaveLength(1);
    await approve((await added())[0] ?? '', '--for', 'once');
    const outputs = await ended;
    expect(outputs.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, `${count} ${value}`],
      [0, `${count} ${value}`],
    ]);
  });

  test('and of an approved server all run, ten as well as two', async () => {
    const [first] = await atOnce(1);
    await approve(first === undefined ? '' : (idIn(first) ?? ''));
    for (const ended of await atOnce(10)) {
      expect(ended).toEqual({ code: 0, stdout: `${count} ${value}`, stderr: '' });
    }
  });
});
