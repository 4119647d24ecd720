import { describe, expect, test } from 'vitest';

import type { PendingApproval } from '@mcp-broker/daemon/protocol';

import { unfolded } from '../output/fold.ts';
import { launch, pending, variableOf } from './pending-fixture.ts';
import { requestLines } from './request-text.ts';

const textOf = (request: PendingApproval): string => unfolded(requestLines(request));

describe('the text of a request', () => {
  const tool = { backend: 'pass', get: ['pass', 'show', '{name}'], set: ['pass', 'insert'] };
  const runs = {
    ...launch,
    argv: tool.get,
    searchPath: '/usr/bin',
    environment: [{ name: 'OWN', value: 'setting', origin: 'entry' as const }],
    workingDirectory: '/home/me',
    variables: [],
  };

  test('of what a backend runs has its commands in the place of a server', () => {
    const text = textOf(pending('AAAA', { tool, launch: runs, variables: [] }));
    for (const line of [
      'backend        "pass", whose commands the broker runs itself, without a shell',
      'get            "pass" "show" "{name}"',
      'set            "pass" "insert"',
      'file 1         "/usr/bin/npx" (command)',
      'environment    "OWN" = "setting" (set by the entry)',
      'runs in        "/home/me"',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toMatch(/^(?:server|argument|wants|command) /mu);
  });

  test('of a launch that needs it has both, whole, with what has changed in either', () => {
    const changes = [{ field: 'digest of file 1', before: 'a', after: 'b' }];
    const tools = [{ tool, launch: runs, fingerprint: 'e'.repeat(64), changes }];
    const text = textOf(pending('AAAA', { tools }));
    expect(text).toMatch(/wants +"API_TOKEN"[^]*the broker itself runs what nobody has approved/u);
    expect(text).toMatch(/changed since it was approved:[^]*get +"pass" "show" "\{name\}"/u);
    expect(text).toContain(`fingerprint    ${'e'.repeat(64)}`);
  });

  test('has every part of what is decided on', () => {
    const text = textOf(
      pending('AAAA', {
        server: 'github',
        launch: {
          ...launch,
          allowArgs: true,
          package: { runner: 'npx', name: '@scope/server', installed: '1.4.0' },
          environment: [{ name: 'URL', value: 'https://$<HOST>/', origin: 'inherited' }],
          inherited: [
            { name: 'NODE_OPTIONS', digest: 'a'.repeat(64), value: '--require ./x.js' },
            { name: 'HTTPS_PROXY', digest: 'b'.repeat(64) },
          ],
          searchPath: '/usr/bin:/bin',
          workingDirectory: '/home/me/project',
        },
        variables: [
          variableOf('API_TOKEN', {
            backend: 'work',
            kind: 'vault',
            origin: 'https://v:8200',
            locator: 'secret/x#value',
          }),
          variableOf('OPTIONS', { into: ['NODE_OPTIONS', 'argument 2'], steers: ['NODE_OPTIONS'] }),
        ],
        granted: ['OLD_TOKEN'],
      }),
    );
    for (const line of [
      'request        AAAA, kept until 2026-01-01T01:00:00.000Z',
      'server         "github" (as the caller says)',
      'command        "npx"',
      'argument 2     "@scope/server"',
      'in arguments   values too, where every process can read them',
      'file 1         "/usr/bin/npx" (command)',
      `  sha256       ${'c'.repeat(64)}`,
      'file 2         "/usr/bin/node" (interpreter)',
      'package        "@scope/server", run by "npx"',
      '  version      not pinned: another one may run next time',
      '  installed    "1.4.0"',
      'environment    "URL" = "https://$<HOST>/" (inherited)',
      'inherits       "NODE_OPTIONS" = "--require ./x.js"',
      `inherits       "HTTPS_PROXY", its value has the sha256 ${'b'.repeat(64)}`,
      'finds by PATH  "/usr/bin:/bin"',
      'comes from     "command line"',
      'runs in        "/home/me/project" (and there alone)',
      'asked by       process 4711, 2026-01-01T00:00:00.000Z',
      `fingerprint    ${'f'.repeat(64)}`,
      'wants          "API_TOKEN" ("$<API_TOKEN>")',
      '  from         "work", vault: "https://v:8200"',
      '  at           "secret/x#value"',
      '  as           "NODE_OPTIONS", "argument 2"',
      '  steers       as "NODE_OPTIONS" it steers the process: approve it by name',
      'has already    "OLD_TOKEN"',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  const nasty = pending('AAAA', {
    server: 'ok\ncode: AAAA',
    launch: {
      ...launch,
      argv: ['\u001b[2Jsh', '', 'a'.repeat(5000), '-c\rrm', '\u202egnp'],
      files: [{ role: 'command', path: '/tmp/\u0007', digest: 'd'.repeat(64) }],
      package: { runner: 'npx\n', name: 'x\u2066', pinned: '1\n', installed: '\u001b' },
      environment: [{ name: 'A\u009b', value: '\u2066$<X>\n', origin: 'inherited' }],
      inherited: [{ name: 'B\n', digest: '\n', value: '\u001b]0;x' }],
      searchPath: '/bin\n:',
      origin: '/x\n',
    },
    workingDirectory: '/tmp/"x"',
    variables: [
      variableOf('N\n', {
        backend: 'b\r',
        kind: 'k\n',
        origin: 'o\n',
        locator: 'l\n',
        into: ['i\n'],
        steers: ['s\n'],
      }),
    ],
    granted: ['g\u001b'],
    changes: [{ field: 'environment A\n', before: null, after: 'x\n+ y' }],
  });
  const text = textOf(nasty);

  test('cuts nothing', () => {
    expect(text).toContain('a'.repeat(5000));
    expect(text).toContain('argument 1     ""\n');
  });

  test('B19, B24: has one line for each part, whatever the caller put there', () => {
    expect(text.split('\n')).toHaveLength(requestLines(nasty).length + 1);
    expect(text).not.toMatch(/^code:/mu);
    expect(text).toContain('"ok\\ncode: AAAA"');
    expect(text).toContain('    + "x\\n+ y"\n');
  });

  test('B19: has no character that a terminal acts on', () => {
    expect(text).not.toMatch(/[^\n\u0020-\u007e]/u);
    expect(text).toContain('"\\e[2Jsh"');
    expect(text).toContain('"/tmp/\\"x\\""');
  });

  test.each<[where: string, request: Partial<PendingApproval>]>([
    ['the server', { server: 'gіthub' }],
    ['the command', { launch: { ...launch, argv: ['nоde'] } }],
    ['an argument', { launch: { ...launch, argv: ['npx', '@ѕcope/server'] } }],
    [
      'a path',
      { launch: { ...launch, files: [{ role: 'command', path: '/usr/bіn/x', digest: '' }] } },
    ],
    ['the package', { launch: { ...launch, package: { runner: 'npx', name: '@ѕcope/x' } } }],
    ['a variable', { variables: [variableOf('ΑPI_TOKEN')] }],
    ['a locator', { variables: [variableOf('X', { locator: 'ѕecret/x' })] }],
    ['the folder', { workingDirectory: '/home/mе' }],
    ['a change', { changes: [{ field: 'argument 1', before: 'x', after: 'ехample' }] }],
  ])('marks what is not what it reads as: %s', (_where, more) => {
    expect(textOf(pending('AAAA', more))).toMatch(/" <look-alike: contains U\+0[34]\w\w/u);
    expect(textOf(pending('AAAA'))).not.toContain('look-alike');
  });
});

describe('what has changed since it was approved', () => {
  const changes = [
    { field: 'argument 2', before: '@scope/server@1', after: '@scope/server@2' },
    { field: 'environment API_URL', before: null, after: 'https://evil' },
    { field: 'digest of file 1', before: 'a'.repeat(64), after: null },
  ];
  const lines = requestLines(pending('AAAA', { changes }));

  test('comes first, old and new below each other, with signs and colours', () => {
    expect(unfolded(lines)).toMatch(
      /^changed since it was approved:\n {2}argument 2\n {4}- "@scope\/server@1"\n {4}\+ "@scope\/server@2"\n {2}environment API_URL\n {4}- nothing\n {4}\+ "https:\/\/evil"\n {2}digest of file 1\n {4}- "a{64}"\n {4}\+ nothing\nthe whole request:\nrequest /u,
    );
    expect(lines[2]).toMatchObject({ head: '    - ', style: 'red' });
    expect(lines[3]).toMatchObject({ head: '    + ', style: 'green' });
  });

  test.each([
    [
      'has changed',
      { pinned: '2' },
      [{ field: 'pinned package version', before: '1', after: '2' }],
    ],
    ['has changed', { installed: '2' }, [{ field: 'package version', before: '1', after: '2' }]],
    ['is the same', { installed: '2' }, changes],
    ['has changed cannot be told', {}, changes],
  ])('tells of the version of a package that it %s', (says, version, differences) => {
    const request = pending('AAAA', {
      changes: differences,
      launch: { ...launch, package: { runner: 'npx', name: 'x', ...version } },
    });
    expect(textOf(request)).toContain(`the version of the package ${says}\n`);
  });

  test('is not there for a launch that is new', () => {
    expect(textOf(pending('AAAA'))).toMatch(/^request /u);
    expect(textOf(pending('AAAA', { changes: [] }))).toMatch(/^request /u);
  });
});
