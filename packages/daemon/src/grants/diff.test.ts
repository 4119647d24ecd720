import { expect, test } from 'vitest';
import type { LaunchDescription } from '../protocol/approvals.ts';
import { changes } from './diff.ts';

const node = { role: 'command', path: '/usr/bin/node', digest: 'aa' } as const;
const script = { role: 'script', path: '/srv/server.js', digest: 'bb' } as const;
const fetched = { runner: 'npx', name: 'server', pinned: '1.0.0', installed: '1.0.0' } as const;
const token = { name: 'TOKEN', value: '$<TOKEN>', origin: 'entry' } as const;
const options = { name: 'NODE_OPTIONS', digest: 'cc', value: '-r x' } as const;
const proxy = { name: 'HTTPS_PROXY', digest: 'dd' } as const;
const variable = {
  reference: '$<TOKEN>',
  backend: 'sealed',
  kind: 'sealed-file',
  origin: '/home/ada/.mcp/secrets.age',
  locator: 'TOKEN',
} as const;
const launch: LaunchDescription = {
  argv: ['node', 'server.js'],
  allowArgs: false,
  files: [node, script],
  package: fetched,
  environment: [token],
  inherited: [options, proxy],
  searchPath: '/usr/bin',
  workingDirectory: '/srv',
  origin: 'command line',
  variables: [variable],
};

type Row = [field: string, before: string | null, after: string | null];
const cases: [what: string, after: Partial<LaunchDescription>, expected: Row[]][] = [
  ['nothing', {}, []],
  ['the command', { argv: ['nodejs', 'server.js'] }, [['command', 'node', 'nodejs']]],
  ['an argument', { argv: ['node', 'other.js'] }, [['argument 1', 'server.js', 'other.js']]],
  ['an argument more', { argv: ['node', 'server.js', ''] }, [['argument 2', null, '']]],
  ['an argument less', { argv: ['node'] }, [['argument 1', 'server.js', null]]],
  ['references in arguments', { allowArgs: true }, [['references in arguments', 'no', 'yes']]],
  [
    'the path of a file',
    { files: [{ ...node, path: '/opt/node' }, script] },
    [['file 1', '/usr/bin/node', '/opt/node']],
  ],
  [
    'the content of a file',
    { files: [node, { ...script, digest: 'bc' }] },
    [['digest of file 2', 'bb', 'bc']],
  ],
  [
    'the role of a file',
    { files: [node, { ...script, role: 'preload' }] },
    [['role of file 2', 'script', 'preload']],
  ],
  [
    'a file less',
    { files: [node] },
    [
      ['file 2', '/srv/server.js', null],
      ['role of file 2', 'script', null],
      ['digest of file 2', 'bb', null],
    ],
  ],
  [
    'the installed version',
    { package: { ...fetched, installed: '1.0.1' } },
    [['package version', '1.0.0', '1.0.1']],
  ],
  [
    'the pinned version',
    { package: { runner: 'npx', name: 'server', installed: '1.0.0' } },
    [['pinned package version', '1.0.0', null]],
  ],
  ['the package', { package: { ...fetched, name: 'serves' } }, [['package', 'server', 'serves']]],
  ['its runner', { package: { ...fetched, runner: 'bunx' } }, [['package runner', 'npx', 'bunx']]],
  [
    'the text of an entry',
    { environment: [{ ...token, value: 'x$<TOKEN>' }] },
    [['environment TOKEN', '$<TOKEN>', 'x$<TOKEN>']],
  ],
  [
    'where an entry comes from',
    { environment: [{ ...token, origin: 'inherited' }] },
    [['origin of environment TOKEN', 'entry', 'inherited']],
  ],
  [
    'another name of an entry',
    { environment: [{ ...token, name: 'KEY' }] },
    [
      ['environment TOKEN', '$<TOKEN>', null],
      ['origin of environment TOKEN', 'entry', null],
      ['environment KEY', null, '$<TOKEN>'],
      ['origin of environment KEY', null, 'entry'],
    ],
  ],
  [
    'an inherited value that may be shown',
    { inherited: [{ ...options, digest: 'ce', value: '-r y' }, proxy] },
    [['inherited NODE_OPTIONS', '-r x', '-r y']],
  ],
  [
    'an inherited value that may not',
    { inherited: [options, { ...proxy, digest: 'de' }] },
    [['inherited HTTPS_PROXY', 'sha256:dd', 'sha256:de']],
  ],
  [
    'an inherited variable less',
    { inherited: [options] },
    [['inherited HTTPS_PROXY', 'sha256:dd', null]],
  ],
  ['PATH', { searchPath: '/bin' }, [['PATH', '/usr/bin', '/bin']]],
  ['no PATH', { searchPath: undefined as never }, [['PATH', '/usr/bin', null]]],
  ['the folder', { workingDirectory: '/' }, [['working folder', '/srv', '/']]],
  ['the origin', { origin: 'mcp.json' }, [['origin of the entry', 'command line', 'mcp.json']]],
  [
    'the locator of a variable',
    { variables: [{ ...variable, locator: 'OTHER' }] },
    [['locator of $<TOKEN>', 'TOKEN', 'OTHER']],
  ],
  [
    'its backend',
    { variables: [{ ...variable, backend: 'vault', kind: 'vault', origin: 'https://v' }] },
    [
      ['backend of $<TOKEN>', 'sealed', 'vault'],
      ['kind of backend of $<TOKEN>', 'sealed-file', 'vault'],
      ['origin of $<TOKEN>', '/home/ada/.mcp/secrets.age', 'https://v'],
    ],
  ],
  [
    'a variable less',
    { variables: [] },
    [
      ['variable $<TOKEN>', '$<TOKEN>', null],
      ['backend of $<TOKEN>', 'sealed', null],
      ['kind of backend of $<TOKEN>', 'sealed-file', null],
      ['origin of $<TOKEN>', '/home/ada/.mcp/secrets.age', null],
      ['locator of $<TOKEN>', 'TOKEN', null],
    ],
  ],
];

test.each(cases)('%s is told as it was and as it is', (_what, after, expected) => {
  const found = changes(launch, { ...launch, ...after });
  expect(found.map(({ field, before, after: now }) => [field, before, now])).toEqual(expected);
});

test('what is only in another order is no change', () => {
  const turned = { ...launch, inherited: launch.inherited.toReversed() };
  expect(changes(launch, turned)).toEqual([]);
});
