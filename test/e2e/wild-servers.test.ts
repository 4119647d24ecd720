import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { observe, type Launch, type Observation } from '../kit/observe.ts';
import { lives, peakMemory, untilGone } from '../kit/processes.ts';

// Servers that misbehave, launched by the official client: it sees the same with us and without, what
// they end with is told, and nothing of them is left.

const programs = new URL('../fixtures/wild/', import.meta.url);
const hundredMegabytes = 100 * 1024 * 1024;

interface Wild {
  readonly program: string;
  readonly args?: readonly string[];
  /** What shows that it does misbehave. */
  readonly seen: Partial<Observation['seen']>;
  /** 143 where the end of stdin is enough, on a machine that takes longer over it than we wait. */
  readonly exit: readonly number[];
}

const wild: readonly (readonly [title: string, wild: Wild])[] = [
  [
    'ignores SIGTERM and the end of stdin',
    { program: 'ignores-sigterm', seen: { connect: 'ok' }, exit: [137] },
  ],
  [
    'leaves a process without a parent, in a session of its own, on its stdout and stderr',
    { program: 'forks-and-leaves', seen: { connect: 'ok' }, exit: [0, 143] },
  ],
  [
    'writes 100 MB to stderr',
    {
      program: 'floods-stderr',
      args: [`${hundredMegabytes}`],
      seen: { stderr: { bytes: hundredMegabytes, digest: expect.any(String) as string } },
      exit: [0, 143],
    },
  ],
  [
    'prints a banner to stdout',
    { program: 'prints-banner', seen: { connect: 'ok', tools: ['work'] }, exit: [0, 143] },
  ],
  [
    'exits at once',
    { program: 'exits-at-once', seen: { connect: 'Connection closed' }, exit: [41] },
  ],
  ['closes its stdout', { program: 'closes-stdout', seen: { connect: 'ok' }, exit: [0, 143] }],
  [
    'hangs at its start',
    { program: 'hangs-at-start', seen: { connect: 'Request timed out' }, exit: [143] },
  ],
  [
    'writes half a frame and stops itself',
    { program: 'stops-in-a-frame', seen: { connect: 'Request timed out' }, exit: [137] },
  ],
];

let home: Home;
const { execPath: node } = process;

const serverOf = ({ program, args = [] }: Wild): readonly string[] => [
  fileURLToPath(new URL(`${program}.mjs`, programs)),
  ...args,
];
const execOf = (one: Wild): string[] => ['--server', one.program, '--', node, ...serverOf(one)];
const withoutUs = (one: Wild): Launch => ({
  command: node,
  args: serverOf(one),
  env: { ...home.env, TOKEN: 'value' },
});
const withUs = (one: Wild): Launch => ({
  command: mcpCommand,
  args: ['exec', ...execOf(one)],
  env: { ...home.env, TOKEN: '$<TOKEN>' },
});

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  for (const [, one] of wild) await home.approve(execOf(one), { env: { TOKEN: '$<TOKEN>' } });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** As the wrapper told it: the line of a killed one has none. */
async function exitOf(server: string): Promise<unknown> {
  const find = async (): Promise<Record<string, unknown> | undefined> =>
    (await auditLines(home)).find((line) => line['event'] === 'exit' && line['server'] === server);
  await expect.poll(find, { timeout: 15_000 }).toBeDefined();
  return (await find())?.['exit'];
}

describe.skipIf(lacks('linux', 'setsid'))('a server that', () => {
  test.each(wild)('%s', async (_title, one) => {
    const answering = one.seen.connect !== 'Request timed out';
    const patienceMs = answering ? 30_000 : 1500;
    let peak = 0;
    const [without, ours] = await Promise.all([
      observe(withoutUs(one), { patienceMs }),
      observe(withUs(one), {
        patienceMs,
        whileRunning: (pid) => {
          peak = peakMemory(pid);
        },
      }),
    ]);
    // What it leaves without us is left to us.
    for (const pid of without.pids.filter(lives)) process.kill(pid, 'SIGKILL');
    expect(without.seen).toMatchObject(one.seen);
    expect(ours.seen).toEqual(without.seen);
    await untilGone(ours.pids);
    expect(one.exit).toContain(await exitOf(one.program));
    // Nothing that a server writes passes through the wrapper.
    expect(peak).toBeLessThan(hundredMegabytes);
  });
});
