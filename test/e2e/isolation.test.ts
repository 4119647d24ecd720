import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { connectTo } from '../kit/protocol.ts';
import { run } from '../kit/run.ts';

// Servers by variables, each approved for the variable of its own number: nobody gets another's.

const count = 50;
const all = Array.from({ length: count }, (_, index) => index);
const pairs = all.flatMap((server) => all.map((variable) => [server, variable] as const));
const own = pairs.filter(([server, variable]) => server === variable);
const others = pairs.filter(([server, variable]) => server !== variable);
const nameOf = ([server, variable]: readonly [number, number]): string => `s${server} V${variable}`;
const valueOf = (variable: number): string => `value of V${variable}`;
const fixture = fileURLToPath(new URL('../fixtures/matrix.py', import.meta.url));

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'identity' });
  const client = await connectTo(home);
  for (const variable of all) {
    const value = Buffer.from(valueOf(variable));
    await client.call('secret.set', { name: `V${variable}` }, { attachments: [value] });
  }
  client.close();
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** In a process of its own: one that has taken a launch may not decide about another. */
async function ask(how: 'approve' | 'refuse' | 'take'): Promise<Record<string, unknown>> {
  const ended = await run('python3', [fixture, how, String(count)], {
    env: { ...home.env, MCP_HOME: home.broker },
  });
  return JSON.parse(expectSuccess(ended).stdout) as Record<string, unknown>;
}

interface Line {
  readonly event: string;
  readonly outcome: string;
  readonly code?: string;
  readonly server?: string;
  readonly variables?: readonly string[];
}

function audited(): Line[] {
  const folder = join(home.broker, 'audit');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Line);
}

describe.skipIf(lacks('linux', 'python3'))(`${count} servers and ${count} variables`, () => {
  test('A3: each server gets its own variable and no other: 50 allowed, 2,450 refused, 2,500 audited', async () => {
    await ask('approve');
    const before = audited().length;
    const refused = await ask('refuse');
    const taken = await ask('take');
    const lines = audited().slice(before);

    expect(taken).toEqual(
      Object.fromEntries(
        own.map((pair) => [
          nameOf(pair),
          [createHash('sha256').update(valueOf(pair[1])).digest('hex')],
        ]),
      ),
    );
    expect(refused).toEqual(
      Object.fromEntries(others.map((pair) => [nameOf(pair), 'ERR_NOT_APPROVED'])),
    );
    const pairsOf = (event: string, outcome: string): string[] =>
      lines
        .filter((line) => line.event === event && line.outcome === outcome)
        .map(({ server, variables }) => `${server} ${variables?.join()}`);
    // The denials beside them are ours: each takes a request that waits out of the way.
    const decided = [...pairsOf('launch', 'allowed'), ...pairsOf('pending', 'denied')];
    expect(decided.sort()).toEqual(pairs.map(nameOf).sort());
    expect(lines.filter(({ event }) => event === 'launch')).toHaveLength(count);
    expect(decided).toHaveLength(2500);
  });
});
