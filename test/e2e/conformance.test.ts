import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLines, createHome, mcpCommand, type Home } from '../kit/home.ts';
import type { Launch } from '../kit/clients/client.ts';
import { startHttpBridge } from '../kit/http-bridge.ts';
import { run } from '../kit/run.ts';
import { officialServer } from '../kit/servers.ts';

// The conformance suite of the protocol, without us and with us. It speaks to servers over HTTP alone, so a
// bridge stands between it and each server, which speaks over stdio.

const suite = fileURLToPath(
  new URL('../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);
/** Has all that the suite asks for by name; of server-everything it knows less than half. */
const made = fileURLToPath(new URL('../fixtures/conformance-server.mjs', import.meta.url));
const servers = [
  ['server-everything', officialServer('everything'), 14],
  ['one made for the suite', made, 40],
] as const;
const { execPath: node } = process;
const reference = { TOKEN: '$<TOKEN>' };

/** What else a check says of itself, such as what came first on two streams, is another each time. */
interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

let home: Home;
let results: string;

beforeAll(async () => {
  results = mkdtempSync(join(tmpdir(), 'mcp-conformance-'));
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  for (const [, server] of servers) await home.approve(['--', node, server], { env: reference });
}, 120_000);
afterAll(async () => {
  rmSync(results, { recursive: true });
  await home.remove();
});

/** Each check of each scenario, and how many servers were launched for them. */
async function conformance(launch: Launch): Promise<{
  readonly checks: Readonly<Record<string, readonly Check[]>>;
  readonly launched: number;
}> {
  const folder = mkdtempSync(join(results, 'run-'));
  const bridge = await startHttpBridge(launch);
  try {
    await run(node, [suite, 'server', '--url', bridge.url, '--output-dir', folder]);
  } finally {
    await bridge.stop();
  }
  const found = readdirSync(folder).map((name): [string, readonly Check[]] => {
    const text = readFileSync(join(folder, name, 'checks.json'), 'utf8');
    const checks = (JSON.parse(text) as readonly Check[]).map(({ id, status, errorMessage }) => ({
      id,
      status,
      ...(errorMessage === undefined ? {} : { errorMessage }),
    }));
    return [name.replace(/-\d{4}-\d\d-\d\dT.*$/u, ''), checks];
  });
  return { checks: Object.fromEntries(found), launched: bridge.launched };
}

test.each(servers)('%s: the result is the same', async (_name, server, passing) => {
  const withoutUs = {
    command: node,
    args: [server],
    env: { ...home.env, TOKEN: 'value' },
    cwd: home.folder,
  };
  const withUs = {
    command: mcpCommand,
    args: ['exec', '--', node, server],
    env: { ...home.env, ...reference },
    cwd: home.folder,
  };
  const launches = async (): Promise<number> =>
    (await auditLines(home)).filter(({ event }) => event === 'launch').length;
  const before = await launches();
  const [without, ours] = await Promise.all([withoutUs, withUs].map(conformance));
  expect(ours).toEqual(without);
  const passed = Object.values(ours?.checks ?? {})
    .flat()
    .filter(({ status }) => status === 'SUCCESS');
  expect(passed).toHaveLength(passing);
  // It was us.
  expect((await launches()) - before).toBe(ours?.launched);
});
