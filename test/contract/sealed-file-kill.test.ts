/* oxlint-disable vitest/valid-expect, vitest/no-standalone-expect -- a label says which kill it was; what needs() gives is a test */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { createSealedFile, createSecretsFile, type Provider } from '@mcp-broker/providers';
import { afterEach, expect, test } from 'vitest';
import { needs } from '../kit/needs.ts';

const kills = 200;
const writers = 4;
const options = { signal: new AbortController().signal };
const locator = { path: 'COUNTER' };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-file-kill-'));
  folders.push(folder);
  return folder;
}

/** A child that has loaded all it needs and waits for its first number. */
interface Writer {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** All that it has said so far. */
  readonly said: () => string;
}

test(
  `a writer killed ${kills} times leaves the old file or the new one, whole`,
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'secrets.age');
    const scalar = randomBytes(32);
    const identity = { use: <T>(action: (bytes: Uint8Array) => T): T => action(scalar) };
    await createSecretsFile(file, identity);
    const provider = createSealedFile({
      file,
      identity,
      lock: () => Promise.resolve(() => undefined),
      now: () => Date.now(),
    });
    await provider.put?.(locator, Buffer.from('0'), options);
    // A file of several chunks, so that a write takes its time.
    await provider.put?.({ path: 'BALLAST' }, randomBytes(200_000), options);

    const start = (): Promise<Writer> => startWriter(file, scalar.toString('hex'));
    const waiting = Array.from({ length: writers }, start);
    let between = 0;
    try {
      for (let kill = 1; kill <= kills; kill += 1) {
        const writer = await (waiting.shift() ?? start());
        if (kill + writers <= kills) waiting.push(start());
        const { started, done } = await killAtRandom(writer, (await valueOf(provider)) + 1);
        const value = await valueOf(provider);
        expect(value, `kill ${kill}`).toBeGreaterThanOrEqual(done);
        expect(value, `kill ${kill}`).toBeLessThanOrEqual(started);
        if (readdirSync(folder).length > 1) between += 1;
      }
    } finally {
      for (const writer of waiting) (await writer).child.kill('SIGKILL');
    }
    expect(between, 'kills between create and rename').toBeGreaterThan(5);

    await provider.put?.(locator, Buffer.from('1'), options);
    expect(readdirSync(folder), 'leftovers of killed writers').toEqual(['secrets.age']);
  },
);

needs('strace')('a write is synced before it is renamed, and its folder after', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'secrets.age');
  const log = join(folder, 'strace.log');
  const scalar = randomBytes(32);
  await createSecretsFile(file, { use: (action) => action(scalar) });
  const wrap = ['strace', '-f', '-y', '-e', 'trace=fsync,rename,renameat,renameat2', '-o', log];
  const writer = await startWriter(file, scalar.toString('hex'), wrap);
  writer.child.stdin.write('1');
  while (!writer.said().includes('done 1\n')) await once(writer.child.stdout, 'data');
  writer.child.stdin.end();
  await once(writer.child, 'close');
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .flatMap(
      (line) => /(fsync|rename)\w*\(.*?([^/<>"]+)[>"]/.exec(line)?.slice(1, 3).join(' ') ?? [],
    );
  expect(calls.slice(0, 3)).toEqual([
    expect.stringMatching(/^fsync \.secrets\.age\.[0-9a-f]{16}\.tmp$/),
    expect.stringMatching(/^rename /),
    `fsync ${basename(folder)}`,
  ]);
});

async function startWriter(
  file: string,
  key: string,
  wrap: readonly string[] = [],
): Promise<Writer> {
  const script = join(import.meta.dirname, 'sealed-file-writer.ts');
  const line = [process.execPath, '--conditions=dev', script, file, key];
  const [command = '', ...args] = [...wrap, ...line];
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  return { child, said: () => said };
}

/** Gives the last number that was begun, and the last that was acknowledged. */
async function killAtRandom(
  { child, said }: Writer,
  first: number,
): Promise<{ started: number; done: number }> {
  const closed = once(child, 'close');
  child.stdin.write(String(first));
  await once(child.stdout, 'data');
  await setTimeout(Math.random() * 40);
  child.kill('SIGKILL');
  await closed;
  const last = (word: string): number => {
    const numbers = [...said().matchAll(new RegExp(`${word} (\\d+)\n`, 'g'))];
    return Number(numbers.at(-1)?.[1] ?? first - 1);
  };
  return { started: last('start'), done: last('done') };
}

async function valueOf(provider: Provider): Promise<number> {
  const secret = await provider.get(locator, options);
  return Number(Buffer.from(secret?.bytes ?? []).toString());
}
