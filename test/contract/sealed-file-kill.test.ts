/* oxlint-disable vitest/valid-expect, vitest/no-standalone-expect -- a label says which kill it was; what needs() gives is a test */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FSWatcher, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSealedFile, createSecretsFile, type Provider } from '@mcp-broker/providers';
import { afterEach, expect, test } from 'vitest';
import { needs } from '../kit/needs.ts';

const kills = 200;
/** When too few of them fell into a write, there are more. */
const mostKills = 400;
/** So many have to fall into a write, each into another one. */
const enough = 20;
const writers = 4;
/** How long a put takes, about; where it is wrong, fewer kills fall into the first put. */
const usualPutMs = 20;
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

    const start = (): Promise<Writer> => {
      const writer = startWriter(file, scalar.toString('hex'));
      // It fails where it is waited for.
      writer.catch(() => undefined);
      return writer;
    };
    const waiting = Array.from({ length: writers }, start);
    const temporaries = watchTemporaries(folder);
    const leftovers = new Set<string>();
    const values = new Set<number>();
    try {
      for (let kill = 1; kill <= kills || leftovers.size < enough; kill += 1) {
        expect(kill, `${leftovers.size} kills within a write`).toBeLessThanOrEqual(mostKills);
        const writer = await (waiting.shift() ?? start());
        if (kill + writers <= kills) waiting.push(start());
        const first = (await valueOf(provider)) + 1;
        // Of four kills three fall into a write: the first of this writer, the second or the third.
        const nth = kill % 4;
        const moment =
          nth === 0 ? anywhere(writer, first) : within(writer, first, nth, temporaries);
        const { started, done } = await killAt(moment, writer, first);
        const value = await valueOf(provider);
        expect(value, `kill ${kill}`).toBeGreaterThanOrEqual(done);
        expect(value, `kill ${kill}`).toBeLessThanOrEqual(started);
        values.add(value);
        for (const name of readdirSync(folder)) if (name.endsWith('.tmp')) leftovers.add(name);
      }
    } finally {
      temporaries.close();
      for (const writer of await Promise.allSettled(waiting)) {
        if (writer.status === 'fulfilled') writer.value.child.kill('SIGKILL');
      }
    }
    // A temporary that is left behind: its writer died between create and rename.
    expect(leftovers.size, 'kills within a write').toBeGreaterThanOrEqual(enough);
    expect(values.size, 'different values in the file').toBeGreaterThanOrEqual(kills / 4);

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
  await heard(writer, 'done 1\n');
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
  const writer = { child, said: () => said };
  await heard(writer, 'ready\n');
  if (said === '') throw new Error('the writer did not start');
  return writer;
}

/** Resolves once the writer has said it, or has ended. */
async function heard({ child, said }: Writer, text: string): Promise<void> {
  while (!said().includes(text) && !child.stdout.readableEnded) {
    await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')]);
  }
}

/** Tells of each temporary file once, as soon as it is there. */
function watchTemporaries(folder: string): FSWatcher {
  const seen = new Set<string>();
  const watcher = watch(folder, (_event, name) => {
    if (name?.endsWith('.tmp') !== true || seen.has(name)) return;
    seen.add(name);
    watcher.emit('temporary');
  });
  return watcher;
}

/** Up to 2 ms after the nth temporary file has appeared; at once when that write is over already. */
async function within(
  writer: Writer,
  first: number,
  nth: number,
  temporaries: FSWatcher,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let appeared = 0;
  const count = (): void => {
    appeared += 1;
    if (appeared === nth) resolve();
  };
  temporaries.on('temporary', count);
  await Promise.race([promise, heard(writer, `done ${first + nth - 1}\n`)]);
  temporaries.off('temporary', count);
  await spin(Math.random() * 2);
}

/** Anywhere between the start of the first put and the end of the third: read, seal, write, rename. */
async function anywhere(writer: Writer, first: number): Promise<void> {
  await heard(writer, `start ${first}\n`);
  const start = performance.now();
  const puts = Math.random() * 3;
  if (puts >= 1) {
    const last = first + Math.floor(puts) - 1;
    await heard(writer, `done ${last}\n`);
    await spin(((performance.now() - start) * (puts % 1)) / Math.floor(puts));
  } else {
    await spin(puts * usualPutMs);
  }
}

/** Lets the process go on, and is more exact than a timer. */
async function spin(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await nextTurn();
}

/** Gives the last number that was begun, and the last that was acknowledged. */
async function killAt(
  moment: Promise<void>,
  { child, said }: Writer,
  first: number,
): Promise<{ started: number; done: number }> {
  const closed = once(child, 'close');
  child.stdin.write(String(first));
  await moment;
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
