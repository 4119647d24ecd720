import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LaunchDescription } from '../protocol/approvals.ts';
import { canonical, fingerprint } from './fingerprint.ts';

interface Case {
  readonly title: string;
  readonly launch: LaunchDescription;
  readonly canonical: string;
  readonly fingerprint: string;
}

const golden = new URL('../../../../test/fixtures/fingerprints.json', import.meta.url);
const cases = JSON.parse(readFileSync(golden, 'utf8')) as readonly Case[];

test.each(cases)('$title has the canonical text and digest of the golden file', (each) => {
  expect(canonical(each.launch)).toBe(each.canonical);
  expect(fingerprint(each.launch)).toBe(each.fingerprint);
});

const script = { role: 'script', path: '/srv/server.js', digest: 'bb' } as const;
const node = { role: 'command', path: '/usr/bin/node', digest: 'aa' } as const;
const fetched = { runner: 'npx', name: 'server', pinned: '1.0.0', installed: '1.0.0' } as const;
const entry = { name: 'A', value: '$<A>', origin: 'entry' } as const;
const literal = { name: 'B', value: 'text', origin: 'entry' } as const;
const inherited = { name: 'NODE_OPTIONS', digest: 'cc', value: '-r x' } as const;
const proxy = { name: 'HTTPS_PROXY', digest: 'dd' } as const;
const variable = {
  reference: '$<A>',
  backend: 'vault',
  kind: 'vault',
  origin: 'https://a',
  locator: 'mcp/A#value',
} as const;
const other = { ...variable, reference: '$<C>', locator: 'mcp/C#value' } as const;
const launch: LaunchDescription = {
  argv: ['node', 'server.js', '--port', '1'],
  allowArgs: false,
  files: [node, script],
  package: fetched,
  environment: [entry, literal],
  inherited: [inherited, proxy],
  searchPath: '/usr/bin:/bin',
  workingDirectory: '/srv',
  origin: 'command line',
  variables: [variable, other],
};

const changes: [what: string, change: Partial<LaunchDescription>][] = [
  ['the command as typed', { argv: ['/usr/bin/node', 'server.js', '--port', '1'] }],
  ['an argument', { argv: ['node', 'server.js', '--port', '2'] }],
  ['the order of arguments', { argv: ['node', '--port', 'server.js', '1'] }],
  ['where arguments end', { argv: ['node', 'server.js', '--port 1'] }],
  ['an empty argument', { argv: ['node', 'server.js', '--port', '1', ''] }],
  ['references in arguments', { allowArgs: true }],
  ['the path of a file', { files: [{ ...node, path: '/usr/local/bin/node' }, script] }],
  ['the digest of a file', { files: [node, { ...script, digest: 'bc' }] }],
  ['the role of a file', { files: [node, { ...script, role: 'preload' }] }],
  ['the order of files', { files: [script, node] }],
  ['a file less', { files: [node] }],
  ['no package', { package: undefined as never }],
  ['the runner of the package', { package: { ...fetched, runner: 'bunx' } }],
  ['the name of the package', { package: { ...fetched, name: 'serves' } }],
  ['the version that is asked for', { package: { ...fetched, pinned: '1.0.1' } }],
  ['the version that is installed', { package: { ...fetched, installed: '1.0.1' } }],
  [
    'a version that is pinned, not installed',
    { package: { runner: 'npx', name: 'server', pinned: '1.0.0' } },
  ],
  [
    'a version that is installed, not pinned',
    { package: { runner: 'npx', name: 'server', installed: '1.0.0' } },
  ],
  ['the name of an entry', { environment: [{ ...entry, name: 'AA' }, literal] }],
  ['the reference of an entry', { environment: [{ ...entry, value: '$<B>' }, literal] }],
  ['the literal value of an entry', { environment: [entry, { ...literal, value: 'texts' }] }],
  ['the origin of an entry', { environment: [{ ...entry, origin: 'inherited' }, literal] }],
  ['an entry less', { environment: [entry] }],
  [
    'the name of an inherited variable',
    { inherited: [{ ...inherited, name: 'NODE_PATH' }, proxy] },
  ],
  ['the value of an inherited variable', { inherited: [{ ...inherited, digest: 'ce' }, proxy] }],
  ['an inherited variable less', { inherited: [inherited] }],
  ['PATH', { searchPath: '/bin:/usr/bin' }],
  ['no PATH', { searchPath: undefined as never }],
  ['an empty PATH', { searchPath: '' }],
  ['the working folder', { workingDirectory: '/srv2' }],
  ['no working folder', { workingDirectory: undefined as never }],
  [
    'PATH and working folder in each other’s place',
    { searchPath: '/srv', workingDirectory: '/usr/bin:/bin' },
  ],
  ['the origin of the entry', { origin: '/srv/mcp.json' }],
  ['the reference of a variable', { variables: [{ ...variable, reference: '$<B>' }, other] }],
  ['the backend of a variable', { variables: [{ ...variable, backend: 'other' }, other] }],
  ['the kind of its backend', { variables: [{ ...variable, kind: 'command' }, other] }],
  ['the origin of its backend', { variables: [{ ...variable, origin: 'https://b' }, other] }],
  ['the locator of a variable', { variables: [{ ...variable, locator: 'mcp/B#value' }, other] }],
  ['a variable less', { variables: [variable] }],
];

test.each(changes)('%s changes the fingerprint', (_what, change) => {
  expect(fingerprint({ ...launch, ...change })).not.toBe(fingerprint(launch));
});

test('no two of these changes have the same fingerprint', () => {
  const all = [launch, ...changes.map(([, change]) => ({ ...launch, ...change }))];
  expect(new Set(all.map(fingerprint)).size).toBe(changes.length + 1);
});

test('the order of entries and variables does not count, nor does what is shown beside a digest', () => {
  const { value: _, ...unshown } = inherited;
  const turned = {
    ...launch,
    environment: launch.environment.toReversed(),
    inherited: [proxy, unshown],
    variables: launch.variables.toReversed(),
  };
  expect(fingerprint(turned)).toBe(fingerprint(launch));
});
