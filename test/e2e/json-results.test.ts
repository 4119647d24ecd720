import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isGroup, type Spec } from '../../packages/cli/src/commands/spec.ts';
import { tree } from '../../packages/cli/src/commands/tree.ts';
import { results } from '../../packages/cli/src/results/results.ts';
import { list, record, text, whole } from '../../packages/cli/src/results/shape.ts';
import { createHome, type Home } from '../kit/home.ts';
import { misfits } from '../kit/json-schema.ts';

const fd3 = 'a passphrase\n';
const token = 'ghp_Kx7Qm2Rt9Wz4Vb6Nc1Hd3Jf5Lg8Ps0Ty2Ua';

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'empty' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** Commands whose stdout is no result, each with the reason. */
const others: Readonly<Record<string, string>> = {
  exec: "the server's own",
  run: "the server's own",
  'daemon run': 'the log of the daemon in the foreground',
  'config init': 'the same as init',
  'config schema': 'a JSON Schema as it is',
};

function leaves(specs: readonly Spec[], path: readonly string[]): string[] {
  return specs.flatMap((spec) =>
    isGroup(spec) ? leaves(spec.commands, [...path, spec.name]) : [[...path, spec.name].join(' ')],
  );
}

const launch = ['exec', '--server', 's', '--env', 'T=$<API_TOKEN>', '--', 'true'];

async function request(): Promise<string> {
  const { stderr } = await home.mcp(launch);
  return /approve (\w{4})/u.exec(stderr)?.[1] ?? '';
}

interface Run {
  readonly line: string;
  readonly fd3?: string;
  readonly input?: string;
  readonly status?: number;
  readonly before?: () => Promise<unknown>;
}

/** In this order: what a command needs, one before it has done. */
const runs: readonly Run[] = [
  { line: '' },
  { line: 'status', status: 69 },
  { line: 'init --yes --fd 3', fd3 },
  { line: 'init --yes --fd 3', fd3 },
  { line: '' },
  { line: 'secret set API_TOKEN --stdin', input: token },
  { line: 'secret set API_TOKEN --stdin', input: token },
  { line: 'secret mv API_TOKEN --to sealed' },
  { line: 'secret list' },
  { line: 'secret show API_TOKEN' },
  { line: 'secret history API_TOKEN' },
  { line: 'backend list' },
  { line: 'backend test' },
  { line: 'approvals list', before: request },
  { line: 'deny s --for 8h' },
  { line: 'approvals' },
  { line: 'approvals revoke --all' },
  { line: 'approve --fd 3', fd3, before: request },
  { line: 'approvals list' },
  { line: 'status', before: () => home.mcp(launch) },
  { line: 'daemon status' },
  { line: 'daemon logs -n 2' },
  { line: 'audit tail -n 50' },
  { line: 'audit search --event set' },
  { line: 'audit export' },
  { line: 'audit verify' },
  { line: 'audit stats' },
  { line: 'config path' },
  { line: 'config check' },
  { line: 'config get settings.ttl' },
  { line: 'config get settings' },
  { line: 'config set settings.ttl 4m' },
  { line: 'config set settings.identity_file null' },
  { line: 'config list' },
  { line: 'config edit' },
  { line: 'completion zsh' },
  { line: 'clients' },
  { line: 'completion bash' },
  { line: 'doctor', status: 1 },
  { line: 'cache clear' },
  { line: 'lock' },
  { line: 'backend test', status: 1 },
  { line: 'status' },
  { line: 'audit verify' },
  { line: 'unlock --fd 3', fd3 },
  { line: 'secret mv API_TOKEN --to sealed' },
  { line: 'secret rm API_TOKEN' },
  { line: 'secret history API_TOKEN' },
  { line: 'daemon restart' },
  { line: 'daemon start' },
  { line: 'daemon stop' },
  { line: 'daemon stop' },
  { line: 'daemon status', status: 69 },
  { line: 'daemon install' },
  { line: 'daemon status', status: 69 },
  { line: 'daemon uninstall' },
  {
    line: 'config check',
    status: 78,
    before: async () => writeFileSync(join(home.broker, 'config.yaml'), 'nonsense: 1\n'),
  },
];

/** The longest name of a command that the line begins with; a group alone stands for its list. */
function resultOf(line: string): (typeof results)[number] {
  const fitting = results.filter(({ command }) => `${line} `.startsWith(`${command} `));
  const found = fitting.at(-1) ?? results.find(({ command }) => command === `${line} list`);
  if (line === '') return results[0] ?? never(line);
  return found ?? never(line);
}

function never(line: string): never {
  throw new Error(`no result of ${line}`);
}

describe('what a command prints with --json is what docs/json.md says', () => {
  for (const { line, status = 0, before, ...input } of runs) {
    test(`mcp ${line}`, async () => {
      if (line === 'clients') {
        mkdirSync(join(home.folder, '.cursor'), { recursive: true });
        const servers = { a: { command: 'node', env: { TOKEN: token } }, b: { url: 'https://x' } };
        writeFileSync(
          join(home.folder, '.cursor/mcp.json'),
          JSON.stringify({ mcpServers: servers }),
        );
      }
      await before?.();
      const env = { ...home.env, EDITOR: 'true' };
      const words = line === '' ? [] : line.split(' ');
      const { code, stdout, stderr } = await home.mcp([...words, '--json'], { ...input, env });
      expect({ code, stderr }).toEqual({ code: status, stderr: expect.anything() as unknown });
      const { shape, lines = false } = resultOf(line);
      const documents = lines ? stdout.trimEnd().split('\n') : [stdout];
      expect(documents.length).toBeGreaterThan(0);
      for (const document of documents) {
        expect(misfits(JSON.parse(document), shape)).toEqual([]);
      }
      expect(stdout).not.toContain(token);
    });
  }
});

test('every command has its result, or a reason for none, and every result is tried', () => {
  const commands = leaves(tree, []).filter((command) => !Object.hasOwn(others, command));
  const documented = results.map(({ command }) => command);
  expect(commands.filter((command) => !documented.includes(command))).toEqual([]);
  const known = ['', ...leaves(tree, [])];
  expect(documented.filter((command) => !known.includes(command))).toEqual([]);
  const tried = new Set(runs.map(({ line }) => resultOf(line).command));
  expect(documented.filter((command) => !tried.has(command))).toEqual([]);
});

test('a member that is missing, unknown or of another form is found', () => {
  const shape = list(record({ name: text(), 'age?': whole() }));
  expect(misfits([{ name: 'a' }, { name: 'b', age: 1 }], shape)).toEqual([]);
  expect(misfits([{ age: 'x', more: 1 }], shape)).toEqual([
    '.[0]name is missing',
    '.[0]age. is no integer',
    '.[0]more is not documented',
  ]);
});
