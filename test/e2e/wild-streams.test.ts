import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import type { Launch } from '../kit/clients/client.ts';
import { peakMemory } from '../kit/processes.ts';

// A server that writes as fast as it can to a client that does not read, or reads slowly.

const megabyte = 1024 * 1024;
const gigabyte = 1024 * megabyte;
/** More than what lies in the kernel and in Node's own buffer, and far less than what is to come. */
const underway = 4 * megabyte;

const server = fileURLToPath(new URL('../fixtures/wild/floods-stdout.mjs', import.meta.url));
const { execPath: node } = process;
const bytes = { WILD_BYTES: `${gigabyte}` };
const reference = { TOKEN: '$<TOKEN>' };
let home: Home;

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  await home.approve(['--', node, server], { env: reference });
}, 120_000);
afterAll(async () => {
  await home.remove();
});

async function readSlowly({ command, args, ...options }: Launch): Promise<{
  readonly stalledAt: number;
  readonly read: number;
  readonly same: boolean;
  readonly code: unknown;
  readonly peak: number;
}> {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const said: string[] = [];
  child.stderr.setEncoding('latin1').on('data', (text: string) => said.push(text));
  const lines = (): string[] => said.join('').split('\n').slice(0, -1);
  const written = (): number => Number(lines().at(-1)?.match(/^\d+$/u)?.[0] ?? 0);

  // Nobody reads.
  let before = -1;
  const standsStill = (): boolean => {
    const now = written();
    const same = now > 0 && now === before && isAsleep(lines()[0]);
    before = now;
    return same;
  };
  await expect.poll(standsStill, { timeout: 30_000, interval: 100 }).toBe(true);
  const stalledAt = written();

  const hash = createHash('sha256');
  let read = 0;
  let peak = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    hash.update(chunk);
    read += chunk.length;
    if (read < gigabyte) continue;
    peak = peakMemory(child.pid ?? 0);
    child.stdin.end();
  }
  const [code] = (await ended) as [unknown];
  return { stalledAt, read, same: lines().at(-1) === hash.digest('hex'), code, peak };
}

/** Where its program says `pid N`. */
function isAsleep(line = ''): boolean {
  const stat = readFileSync(`/proc/${line.replace('pid ', '')}/stat`, 'latin1');
  return /\) S /u.test(stat);
}

describe.skipIf(lacks('linux'))('a server that writes 1 GB to a client that does not read', () => {
  test.each<[who: string, launch: () => Launch]>([
    [
      'without us',
      () => ({
        command: node,
        args: [server],
        env: { ...home.env, ...bytes, TOKEN: 'value' },
        cwd: home.folder,
      }),
    ],
    [
      'with us',
      () => ({
        command: mcpCommand,
        args: ['exec', '--', node, server],
        env: { ...home.env, ...bytes, ...reference },
        cwd: home.folder,
      }),
    ],
  ])('waits for it, and all of it arrives, %s', async (_who, launch) => {
    const { stalledAt, peak, ...rest } = await readSlowly(launch());
    expect(stalledAt).toBeLessThan(underway);
    expect(rest).toEqual({ read: gigabyte, same: true, code: 0 });
    expect(peak).toBeLessThan(gigabyte / 4);
  });
});
