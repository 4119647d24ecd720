import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { decision } from '../testing/grant-decision.ts';
import { grantsHome, type GrantsHome } from '../testing/grants-home.ts';
import { launchDescription } from '../testing/pending-request.ts';

const kills = 100;
const writers = 3;
/** So often does the folder tell of about three changes: links, writes, renames. */
const eventsOfThree = 40;
/** So many kills have to fall between the file and its generation, or within a write of either. */
const enough = { between: 5, within: 10 };

interface Writer {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly said: () => string;
}

test(
  `grants killed ${kills} times while they are written are the old ones or the new ones, whole`,
  { timeout: 300_000 },
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'mcp-grants-kill-'));
    const start = (): GrantsHome => grantsHome({ home, clock: systemClock, identity: 7 });
    const waiting: Promise<Writer>[] = [];
    const found = { between: 0, within: 0 };
    try {
      // A file of some size, so that a write takes its time.
      const ballast = 40;
      const { grants, own } = start();
      for (let index = 0; index < ballast; index += 1) {
        const launch = launchDescription({ argv: ['node', 'x'.repeat(5000)] });
        const request = { fingerprint: `ballast ${index}`, launch };
        await grants.add(decision('always', ['A'], { request }));
      }
      let state = 0;
      for (let kill = 1; kill <= kills; kill += 1) {
        while (waiting.length < writers) waiting.push(startWriter(home));
        const writer = await waiting.shift();
        if (writer === undefined) throw new Error('no writer');
        const { started, done } = await killSomewhere(writer, home, state + 1);
        const names = readdirSync(home);
        if (names.some((name) => name.endsWith('.tmp'))) found.within += 1;
        const kept = JSON.parse(String(await own.get('grants'))) as { generation: number };
        const file = JSON.parse(readFileSync(join(home, 'grants'), 'utf8')) as typeof kept;
        expect(file.generation - kept.generation, `kill ${kill}`).toBeOneOf([0, 1]);
        if (file.generation > kept.generation) found.between += 1;

        const daemon = start();
        await daemon.grants.load();
        expect(daemon.grants.problem, `kill ${kill}`).toBeUndefined();
        const fingerprints = daemon.grants.list.map(({ fingerprint }) => fingerprint);
        const numbers = fingerprints.slice(ballast);
        const possible = started === done ? [started] : [done, started];
        const match = possible.find((number) => numbers.join() === granted(number).join());
        expect(
          match,
          `kill ${kill}: ${numbers.join()} after ${possible.join(' or ')}`,
        ).toBeDefined();
        expect(fingerprints).toHaveLength(ballast + numbers.length);
        state = match ?? state;
      }
      expect(found.between, 'kills between file and generation').toBeGreaterThanOrEqual(
        enough.between,
      );
      expect(found.within, 'kills within a write').toBeGreaterThanOrEqual(enough.within);
      const daemon = start();
      await daemon.grants.add(decision('always'));
      expect(readdirSync(home).sort(), 'leftovers').toEqual(['grants', 'own.age']);
    } finally {
      for (const writer of await Promise.allSettled(waiting)) {
        if (writer.status === 'fulfilled') await end(writer.value);
      }
      rmSync(home, { recursive: true });
    }
  },
);

/** What is there after this number. */
function granted(number: number): readonly string[] {
  return number % 2 === 1 ? [`f${number}`] : [];
}

async function startWriter(home: string): Promise<Writer> {
  const script = fileURLToPath(new URL('../testing/grants-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=dev', script, home], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (!said.includes('ready\n')) await once(child.stdout, 'data');
  return { child, said: () => said };
}

/** After some of what happens in the folder, and up to half a millisecond. */
async function killSomewhere(
  writer: Writer,
  home: string,
  first: number,
): Promise<{ started: number; done: number }> {
  const wanted = 1 + Math.floor(Math.random() * eventsOfThree);
  const { promise, resolve } = Promise.withResolvers<void>();
  let events = 0;
  const watcher = watch(home, () => {
    events += 1;
    if (events === wanted) resolve();
  });
  try {
    writer.child.stdin.write(String(first));
    // Or it ends by itself, which its last words will not fit.
    await Promise.race([promise, once(writer.child, 'close')]);
    const until = performance.now() + Math.random() / 2;
    while (performance.now() < until) await nextTurn();
  } finally {
    watcher.close();
    await end(writer);
  }
  const last = (word: string): number => {
    const numbers = [...writer.said().matchAll(new RegExp(`${word} (\\d+)\n`, 'g'))];
    return Number(numbers.at(-1)?.[1] ?? first - 1);
  };
  return { started: last('start'), done: last('done') };
}

async function end({ child }: Writer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}
