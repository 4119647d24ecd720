import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import type { Launch } from '../kit/clients/client.ts';
import { observe, type Observation } from '../kit/observe.ts';
import { killAll, peakMemory, processesWith, untilGone, type Shown } from '../kit/processes.ts';

// Servers that misbehave, launched by the official client: it sees the same with us and without, what
// they end with is told, and nothing of them is left.

const server = fileURLToPath(new URL('../fixtures/wild/main.mjs', import.meta.url));
const hundredMegabytes = 100 * 1024 * 1024;

interface Wild {
  readonly program: string;
  /** What shows that it does misbehave. */
  readonly seen: Partial<Observation>;
  /** What without us is left, once the client has closed. */
  readonly leaves?: readonly string[];
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
    { program: 'forks-and-leaves', seen: { connect: 'ok' }, leaves: ['sleep'], exit: [0, 143] },
  ],
  [
    'writes 100 MB to stderr',
    {
      program: 'floods-stderr',
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

const reference = { TOKEN: '$<TOKEN>' };
const command = ['--', node, server];
type Who = 'bare' | 'ours';
const environment = ({ program }: Wild, who: Who): Launch['env'] => ({
  ...home.env,
  WILD: program,
  WILD_BYTES: `${hundredMegabytes}`,
  WILD_WHO: who,
  TOKEN: who === 'bare' ? 'value' : reference.TOKEN,
});
/** A server and all that it starts, the command that launched it, and nobody else. */
const processes = (who: Who): Shown[] =>
  processesWith('HOME', home.folder).filter(({ environment: its }) => its['WILD_WHO'] === who);
const withoutUs = (one: Wild): Launch => ({
  command: node,
  args: [server],
  env: environment(one, 'bare'),
  cwd: home.folder,
});
const withUs = (one: Wild): Launch => ({
  command: mcpCommand,
  args: ['exec', ...command],
  env: environment(one, 'ours'),
  cwd: home.folder,
});

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  await home.approve(command, { env: reference });
}, 120_000);
afterAll(async () => {
  await home.remove();
});

/** What wrappers told of their servers' ends; the line of a wrapper that was killed says nothing. */
async function exits(): Promise<unknown[]> {
  const lines = await auditLines(home);
  return lines.filter(({ event }) => event === 'exit').map(({ exit }) => exit);
}

describe.skipIf(lacks('linux', 'setsid'))('a server that', () => {
  test.each(wild)('%s', async (_title, one) => {
    const answering = one.seen.connect !== 'Request timed out';
    const patienceMs = answering ? 30_000 : 1500;
    const ended = await exits();
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
    const left = processes('bare');
    killAll(left);
    const leaves = expect.arrayContaining([...(one.leaves ?? [])]) as unknown;
    expect(left.map(({ argv }) => argv[0])).toEqual(leaves);
    expect(without).toMatchObject(one.seen);
    expect(ours).toEqual(without);
    await untilGone(() => processes('ours'));
    await expect.poll(exits, { timeout: 15_000 }).toHaveLength(ended.length + 1);
    expect(one.exit).toContain((await exits()).at(-1));
    // Nothing that a server writes passes through the wrapper.
    expect(peak).toBeLessThan(hundredMegabytes);
  });
});
