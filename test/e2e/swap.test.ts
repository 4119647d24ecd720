import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';

// One path leads to the approved program and to another one in turn while it is launched. The other
// writes down every value that it gets.

const swapper = fileURLToPath(new URL('../fixtures/programs/swap.mjs', import.meta.url));
const token = `tok-${randomBytes(12).toString('hex')}`;
const entry = ['--env', 'TOKEN=$<TOKEN>'] as const;

let home: Home;

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', token);
}, 60_000);
afterAll(async () => {
  await home.remove();
});

interface Pair {
  /** What is launched. */
  readonly path: string;
  readonly approved: string;
  readonly other: string;
  readonly args: readonly string[];
  /** What the other program writes to. */
  readonly record: string;
}

/** `make` writes the two files; the approved one lies at the path. */
function pairOf(
  name: string,
  make: (approved: string, other: string, record: string) => readonly string[],
): Pair {
  const folder = join(home.folder, name);
  mkdirSync(folder);
  // A program that is several in one goes by its name.
  const path = join(folder, 'echo');
  const approved = join(folder, 'approved');
  const other = join(folder, 'other');
  const record = join(folder, 'record');
  const args = make(approved, other, record);
  linkSync(approved, path);
  return { path, approved, other, args, record };
}

interface Tally {
  readonly launches: number;
  /** The approved program ran. */
  readonly ran: number;
  /** Refused: another content was found, or found to have changed. */
  readonly refused: number;
  /** Values that the other program got. */
  readonly taken: number;
}

/** Launches from two sides until so many swaps are done. */
async function launchWhileSwapping(pair: Pair, swaps: number, pauseMs: number): Promise<Tally> {
  const { path, approved, other, args, record } = pair;
  const command = [...entry, '--', path, ...args];
  await home.approve(command);
  const tally = { launches: 0, ran: 0, refused: 0 };
  const child = spawn(process.execPath, [
    swapper,
    path,
    approved,
    other,
    String(swaps),
    String(pauseMs),
  ]);
  const swapped = once(child, 'exit');
  try {
    const launch = async (): Promise<void> => {
      while (child.exitCode === null) {
        const { code, stdout, stderr } = await home.mcp(['exec', ...command]);
        tally.launches += 1;
        if (code === 77) tally.refused += 1;
        else if (stdout.includes('approved')) tally.ran += 1;
        else if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
      }
    };
    await Promise.all([launch(), launch()]);
    expect(await swapped).toEqual([0, null]);
  } finally {
    child.stdin.end();
    await swapped;
  }
  const lines = existsSync(record) ? readFileSync(record, 'utf8').trimEnd().split('\n') : [];
  return { ...tally, taken: lines.filter((line) => line === token).length };
}

/** The other program does write down what it gets: it is run as it would be. */
async function expectRecords(pair: Pair): Promise<void> {
  const { other, args, record } = pair;
  const child = spawn(other, args, { argv0: 'echo', env: { TOKEN: 'seen' }, stdio: 'ignore' });
  await once(child, 'exit');
  expect(readFileSync(record, 'utf8')).toBe('seen\n');
}

describe.skipIf(lacks('linux'))('A1: a file that is exchanged while it is launched', () => {
  test.skipIf(realpathSync('/bin/sh') === realpathSync('/bin/echo'))(
    'gets no value in 10,000 swaps when it is an ELF program',
    async () => {
      const pair = pairOf('elf', (approved, other, record) => {
        copyFileSync(realpathSync('/bin/echo'), approved);
        copyFileSync(realpathSync('/bin/sh'), other);
        return ['-c', `printf '%s\\n' "$TOKEN" >>${record} # approved`];
      });
      await expectRecords(pair);
      const tally = await launchWhileSwapping(pair, 10_000, 20);
      report('ELF', tally);
      expect(tally.taken).toBe(0);
      // Both happened, often: it was no race that nobody entered.
      expect(tally.ran).toBeGreaterThan(5);
      expect(tally.refused).toBeGreaterThan(5);
    },
    240_000,
  );

  test('may get one when it is a script: how often is written down', async () => {
    const pair = pairOf('script', (approved, other, record) => {
      writeFileSync(approved, '#!/bin/sh\necho approved\n', { mode: 0o755 });
      writeFileSync(other, `#!/bin/sh\nprintf '%s\\n' "$TOKEN" >>${record}\n`, { mode: 0o755 });
      return [];
    });
    await expectRecords(pair);
    const tally = await launchWhileSwapping(pair, 4000, 20);
    report('script', tally);
    expect(tally.ran + tally.taken).toBeGreaterThan(0);
    expect(tally.refused).toBeGreaterThan(0);
  }, 240_000);
});

function report(kind: string, { launches, ran, refused, taken }: Tally): void {
  process.stderr.write(
    `${kind}: of ${launches} launches ${refused} were refused, ${ran} ran what was approved, ${taken} the other\n`,
  );
}
