import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { run } from '../kit/run.ts';

// The installed command ends as its server does: many launches in a row, told by the shell that ran them.

/** How it ends stands in the environment, so that one approval serves for all. */
const server = ['sh', '-c', 'eval "$HOW"'];
const plain = ['--', ...server];
const withValue = ['--env', 'TOKEN=$<TOKEN>', '--', ...server];

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  await home.approve(withValue);
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** `how code` of each launch, two of them at a time. */
async function endsOf(launch: readonly string[], hows: readonly string[]): Promise<string[]> {
  const script = `ulimit -c 0
    while read -r HOW; do export HOW; "$@" </dev/null; echo "$HOW: $?"; done`;
  const half = Math.ceil(hows.length / 2);
  const parts = [hows.slice(0, half), hows.slice(half)].map(async (part) => {
    const { stdout } = await run('sh', ['-c', script, 'sh', mcpCommand, 'exec', ...launch], {
      env: home.env,
      input: part.map((how) => `${how}\n`).join(''),
    });
    return stdout.split('\n').slice(0, -1);
  });
  return (await Promise.all(parts)).flat();
}

const codes = Array.from({ length: 256 }, (_, code) => code);
/** All that end a process which does not heed them, and that Node has names for: the real-time ones it has not. */
const ending = Object.entries(constants.signals).filter(
  ([name]) => !/^SIG(?:CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|WINCH|INFO)$/u.test(name),
);

test('each exit code from 0 to 255 is the server’s own', async () => {
  const ends = await endsOf(
    withValue,
    codes.map((code) => `exit ${code}`),
  );
  expect(ends).toEqual(codes.map((code) => `exit ${code}: ${code}`));
});

test('and so are those of a launch without a value, which knows of no daemon', async () => {
  const few = [0, 1, 2, 64, 77, 126, 127, 128, 130, 137, 255];
  const ends = await endsOf(
    plain,
    few.map((code) => `exit ${code}`),
  );
  expect(ends).toEqual(few.map((code) => `exit ${code}: ${code}`));
});

test.each([
  ['without a value', plain],
  ['with one', withValue],
])('each signal that ends a server gives 128 and its number, %s', async (_what, launch) => {
  const numbers = ending.map(([, number]) => number);
  expect(numbers.length).toBeGreaterThan(20);
  const ends = await endsOf(
    launch,
    numbers.map((number) => `kill -${number} $$`),
  );
  expect(ends).toEqual(numbers.map((number) => `kill -${number} $$: ${128 + number}`));
});

test('what Node does not tell us: a real-time signal is exit code 0, and nobody ignores what was ignored', async () => {
  expect(await endsOf(plain, ['kill -34 $$'])).toEqual(['kill -34 $$: 0']);
  const script = `trap '' HUP; exec "$@"`;
  const launch = [mcpCommand, 'exec', '--', 'sh', '-c', 'kill -HUP $$; exit 3'];
  expect(await run('sh', ['-c', script, 'sh', ...launch], { env: home.env })).toMatchObject({
    code: 129,
  });
});

test('126 is for what cannot be executed, and 127 for what is not there, as a shell says it', async () => {
  const file = join(home.folder, 'not-executable');
  writeFileSync(file, 'exit 0\n', { mode: 0o644 });
  const table: [string, number][] = [
    ['/', 126],
    [file, 126],
    [join(home.folder, 'not-there'), 127],
    ['no-such-command', 127],
  ];
  for (const [command, code] of table) {
    const { code: shell } = await run('sh', ['-c', '"$0"', command], { env: home.env });
    const { code: without } = await home.mcp(['exec', '--', command]);
    const { code: withOne } = await home.mcp(['exec', '--env', 'TOKEN=$<TOKEN>', '--', command]);
    expect([command, shell, without, withOne]).toEqual([command, code, code, code]);
  }
});
