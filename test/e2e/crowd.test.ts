import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { processesWith, untilGone } from '../kit/processes.ts';

// One client with many servers, all of which it starts in the same moment.

const count = 10;
const server = fileURLToPath(new URL('../fixtures/wild/shows-values.mjs', import.meta.url));
const entries = Array.from({ length: count }, (_, index) => ({
  name: `server-${index}`,
  env: { SHARED: '$<ALL>', PAIR: `$<PAIR_${index >> 1}>`, OWN: `$<OWN_${index}>` },
  values: ['value of ALL', `value of PAIR_${index >> 1}`, `value of OWN_${index}`],
  variables: ['ALL', `PAIR_${index >> 1}`, `OWN_${index}`].toSorted(),
}));
type Entry = (typeof entries)[number];

interface Session {
  readonly values: unknown;
  close(): Promise<void>;
}

let home: Home;

/** What the official client gets of a server: a session, or what stderr said. */
async function connect({ name, env }: Entry): Promise<Session | string> {
  const transport = new StdioClientTransport({
    command: mcpCommand,
    args: ['exec', '--server', name, '--', process.execPath, server, name],
    env: { ...home.env, ...env },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const client = new Client({ name: 'crowd', version: '1.0.0' });
  try {
    await client.connect(transport);
  } catch {
    return stderr;
  }
  const { content } = await client.callTool({ name: 'work' });
  const [answer] = content as readonly { readonly text: string }[];
  const { values } = JSON.parse(answer?.text ?? '') as { values: unknown };
  return { values, close: () => client.close() };
}

async function connectAll(which: readonly Entry[]): Promise<readonly Session[]> {
  const all = await Promise.all(which.map(connect));
  return all.map((one) => {
    if (typeof one === 'string') throw new Error(one);
    return one;
  });
}

async function closeAll(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
  await untilGone(() =>
    processesWith('HOME', home.folder).filter(({ argv }) => argv.includes(server)),
  );
}

interface Status {
  readonly connections: number;
  readonly launches: readonly { readonly server: string; readonly variables: readonly string[] }[];
}

const json = async (...args: string[]): Promise<unknown> =>
  JSON.parse(expectSuccess(await home.mcp([...args, '--json'])).stdout);
const status = async (): Promise<Status> => (await json('status')) as Status;
const pending = async (): Promise<readonly { readonly id: string; readonly server: string }[]> =>
  ((await json('approvals', 'list')) as { pending: { id: string; server: string }[] }).pending;
const linesOf = async (event: string): Promise<readonly Record<string, unknown>[]> =>
  (await auditLines(home)).filter((line) => line['event'] === event);
const byName = <T extends { readonly server?: unknown }>(all: readonly T[]): T[] =>
  all.toSorted((a, b) => (String(a.server) < String(b.server) ? -1 : 1));

/** The daemon knows of none, and each end was written down with the exit code that the wrapper told. */
async function nothingRuns(ends: number): Promise<void> {
  await expect.poll(status, { timeout: 15_000 }).toMatchObject({ connections: 1, launches: [] });
  const exits = await linesOf('exit');
  expect(exits.map(({ exit }) => typeof exit)).toEqual(Array<string>(ends).fill('number'));
}

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  const names = new Set(entries.flatMap(({ variables }) => variables));
  for (const name of names) await home.set(name, `value of ${name}`);
}, 120_000);
afterAll(async () => {
  await home.remove();
});

describe.skipIf(lacks('linux'))(`${count} servers that one client starts at once`, () => {
  // Each approval by the passphrase takes a second of work.
  test(
    'and each of them twice, as clients that probe do, wait for one approval each',
    { timeout: 240_000 },
    async () => {
      const refused = await Promise.all([...entries, ...entries].map(connect));
      for (const said of refused) expect(said).toContain('hint: in a terminal: ');
      const waiting = byName(await pending());
      expect(waiting.map((one) => one.server)).toEqual(entries.map(({ name }) => name));
      for (const { id } of waiting) {
        const options = { fd3: `${home.passphrase}\n` };
        expectSuccess(await home.mcp(['approve', id, '--fd', '3'], options));
      }
      expect(await linesOf('launch')).toEqual([]);
    },
  );

  test('get their own values, none of which was read before, and are gone with the client', async () => {
    const sessions = await connectAll(entries);
    expect(sessions.map(({ values }) => values)).toEqual(entries.map(({ values }) => values));
    const running = byName((await status()).launches);
    expect(running.map(({ server: name, variables }) => [name, variables.toSorted()])).toEqual(
      entries.map(({ name, variables }) => [name, variables]),
    );
    expect(byName(await linesOf('launch'))).toMatchObject(
      entries.map(({ name }) => ({ server: name, outcome: 'allowed' })),
    );
    await closeAll(sessions);
    await nothingRuns(count);
  });

  test('from one and the same entry, need no other approval', async () => {
    const same = Array.from({ length: count }, () => entries[0] as Entry);
    const sessions = await connectAll(same);
    expect(sessions.map(({ values }) => values)).toEqual(same.map(({ values }) => values));
    expect(await pending()).toEqual([]);
    await closeAll(sessions);
    await nothingRuns(2 * count);
  });
});
