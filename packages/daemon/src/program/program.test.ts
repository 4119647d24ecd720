import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { BrokerError } from '@mcp-broker/providers/errors';
import * as fc from 'fast-check';
import { createMachine, type Machine } from '../testing/machine.ts';
import { createDigests } from './digests.ts';
import { nodeFlags, nodeValues } from './node-options.ts';

let machine: Machine;
let root = '';
beforeAll(() => {
  machine = createMachine();
  ({ root } = machine);
});
afterAll(() => {
  machine.remove();
});

const examine: Machine['examine'] = async (line, variables) => machine.examine(line, variables);
const listed: Machine['listed'] = (program) => machine.listed(program);

const follows: [line: string, files: string, needs: '' | 'folder' | 'path' | 'folder path'][] = [
  ['plain --port 1', 'bin/plain', ''],
  ['./local', 'srv/local interpreter bin/sh', 'folder path'],
  ['ROOT/srv/local', 'srv/local interpreter bin/sh', 'path'],
  ['script', 'bin/script interpreter bin/node', ''],
  ['by-env', 'bin/by-env interpreter bin/env interpreter bin/node', ''],
  [
    'by-env-split',
    'bin/by-env-split interpreter bin/env interpreter bin/node preload srv/hook.js',
    'folder',
  ],

  ['node server.js', 'bin/node script srv/server.js', 'folder'],
  ['node ROOT/srv/server.js', 'bin/node script srv/server.js', ''],
  ['nodejs20 ROOT/srv/server.js', 'bin/nodejs20 script srv/server.js', ''],
  ['linked-node ROOT/srv/server.js', 'bin/node script srv/server.js', ''],
  ['node ROOT/srv/server', 'bin/node script srv/server.js', ''],
  ['node ROOT/srv/folder', 'bin/node script srv/folder/main.js', ''],
  ['node -- ROOT/srv/server.js -e x', 'bin/node script srv/server.js', ''],
  ['node --title ROOT/srv/start.mjs ROOT/srv/server.js', 'bin/node script srv/server.js', ''],
  ['node --title=a --no-foo ROOT/srv/server.js', 'bin/node script srv/server.js', ''],
  ['node --max-old-space-size=1 --watch ROOT/srv/server.js', 'bin/node script srv/server.js', ''],
  [
    'node -r ROOT/srv/hook.js ROOT/srv/server.js',
    'bin/node preload srv/hook.js script srv/server.js',
    '',
  ],
  [
    'node --import=ROOT/srv/hook.js ROOT/srv/server.js',
    'bin/node preload srv/hook.js script srv/server.js',
    '',
  ],
  [
    'node --import file://ROOT/srv/hook.js ROOT/srv/server.js',
    'bin/node preload srv/hook.js script srv/server.js',
    '',
  ],
  [
    'node --import loader/esm ROOT/srv/server.js',
    'bin/node preload srv/node_modules/loader/package.json script srv/server.js',
    'folder',
  ],
  [
    'node --env-file=ROOT/srv/dot.env ROOT/srv/server.js',
    'bin/node preload srv/dot.env script srv/server.js',
    '',
  ],
  ['node -e code server.js', 'bin/node', 'folder'],
  ['node -p code', 'bin/node', 'folder'],
  ['node -pe code', 'bin/node', 'folder'],

  ['env node ROOT/srv/server.js', 'bin/env interpreter bin/node script srv/server.js', 'path'],
  [
    'env -iu A PATH=ROOT/bin B=c node ROOT/srv/server.js',
    'bin/env interpreter bin/node script srv/server.js',
    'path',
  ],
  [
    'env -C ROOT/srv/folder node main.js',
    'bin/env interpreter bin/node script srv/folder/main.js',
    'folder path',
  ],
  [
    'env --chdir=folder node main.js',
    'bin/env interpreter bin/node script srv/folder/main.js',
    'folder path',
  ],

  ['bun ROOT/srv/server.ts', 'bin/bun script srv/server.ts', 'folder'],
  ['bun run --smol ROOT/srv/server.ts', 'bin/bun script srv/server.ts', 'folder'],
  [
    'deno run -A --config=ROOT/srv/dot.env ROOT/srv/server.ts',
    'bin/deno preload srv/dot.env script srv/server.ts',
    '',
  ],
  ['deno ROOT/srv/server.ts', 'bin/deno script srv/server.ts', ''],

  ['python3 server.py', 'bin/python3 script srv/server.py', 'folder'],
  ['python3 -u -W ignore ROOT/srv/server.py', 'bin/python3 script srv/server.py', ''],
  ['python3 -uX dev -Wignore ROOT/srv/server.py', 'bin/python3 script srv/server.py', ''],
  ['python3.12 ROOT/srv/zip', 'bin/python3.12 script srv/zip/__main__.py', ''],
  ['python3 -c code', 'bin/python3', 'folder'],
  [
    'python3 -um package -c code',
    'bin/python3 preload srv/package/__init__.py script srv/package/__main__.py',
    'folder',
  ],
  [
    'python3 -m package.inner',
    'bin/python3 preload srv/package/__init__.py script srv/package/inner.py',
    'folder',
  ],
  [
    'ROOT/srv/project/.venv/bin/python -m served',
    'srv/project/.venv/bin/python script srv/project/.venv/lib/python3.12/site-packages/served/__main__.py',
    'folder',
  ],
  [
    'ROOT/srv/project/.venv/bin/python -m editable',
    'srv/project/.venv/bin/python script srv/project/src/editable.py',
    'folder',
  ],

  ['sh ROOT/srv/run.sh', 'bin/sh script srv/run.sh', 'path'],
  ['bash -eo pipefail run.sh', 'bin/bash script srv/run.sh', 'folder path'],
  [
    'bash --rcfile ROOT/srv/hook.js -i ROOT/srv/run.sh',
    'bin/bash preload srv/hook.js script srv/run.sh',
    'path',
  ],
  ['sh script', 'bin/sh script bin/script', 'folder path'],
  ['busybox sh ROOT/srv/run.sh', 'bin/busybox script srv/run.sh', 'path'],
  ['ruby -w ROOT/srv/app.rb', 'bin/ruby script srv/app.rb', ''],
  ['ruby -r ./app.rb -e code', 'bin/ruby preload srv/app.rb', 'folder'],
  ['perl -MFoo -I lib ROOT/srv/app.rb', 'bin/perl script srv/app.rb', ''],
  ['perl -e code', 'bin/perl', 'folder'],
  ['php -d a=b ROOT/srv/app.rb', 'bin/php script srv/app.rb', ''],
  ['php -e ROOT/srv/app.rb', 'bin/php script srv/app.rb', ''],
  ['java -Xmx1g -Da=b -jar ROOT/srv/app.jar -x', 'bin/java script srv/app.jar', ''],
  [
    'java -javaagent:ROOT/srv/agent.jar=x -cp ROOT/srv/app.jar Main',
    'bin/java preload srv/agent.jar script srv/app.jar',
    '',
  ],
  ['dotnet ROOT/srv/app.dll', 'bin/dotnet script srv/app.dll', ''],
];

describe('what is run is followed, without a limit:', () => {
  test.each(follows)('%s', async (line, expected, needs) => {
    const program = await examine(line);
    expect(listed(program).join(' ')).toBe(`command ${expected}`);
    const needed = [program.needsFolder ? 'folder' : '', program.needsPath ? 'path' : ''];
    expect([needed.filter((each) => each !== '').join(' '), program.limit]).toEqual([
      needs,
      undefined,
    ]);
  });

  test('its identities are those of its files, the first being what is to be run', async () => {
    const { identities } = await examine('linked-node server.js');
    expect(identities.map(({ path }) => path)).toEqual([
      join(root, 'bin', 'linked-node'),
      join(root, 'srv', 'server.js'),
    ]);
  });

  test('NODE_OPTIONS, NODE_PATH and the like are read as the server gets them', async () => {
    const options = { NODE_OPTIONS: '--no-warnings --require ROOT/srv/hook.js' };
    const direct = await examine('node ROOT/srv/server.js', options);
    expect(listed(direct)).toContain('preload srv/hook.js');
    const cleared = await examine('env -i ROOT/bin/node ROOT/srv/server.js', options);
    expect(listed(cleared)).not.toContain('preload srv/hook.js');
    const module = await examine('python3 -m module', { PYTHONPATH: 'ROOT/lib' });
    expect(listed(module)).toContain('script lib/module.py');
    const ignored = await examine('python3 -E -m module', { PYTHONPATH: 'ROOT/lib' });
    expect(listed(ignored)).not.toContain('script lib/module.py');
    const shell = await examine('bash run.sh', { BASH_ENV: 'ROOT/srv/hook.js' });
    expect(listed(shell)).toContain('preload srv/hook.js');
  });
});

test.skipIf(lacks('linux'))(
  'a text without a first line is run by the shell, as execvp does',
  async () => {
    const { realPath } = await createDigests().examine('/bin/sh');
    expect(listed(await examine('text'))).toEqual(['command bin/text', `interpreter ${realPath}`]);
  },
);

const limited: [line: string | readonly string[], reason: RegExp][] = [
  [['sh', '-c', 'node server.js'], /^sh -c runs commands/],
  [['bash', '-lc', 'node server.js'], /^bash -c runs commands/],
  [['env', 'sh', '-ec', 'x'], /^sh -c runs commands/],
  ['bash +x run.sh', /option \+/],
  ['sh', /stdin/],
  ['node', /stdin/],
  ['node -', /stdin/],
  ['python3 -u', /stdin/],
  ['node --unknown server.js', /option --unknown$/],
  ['node --test', /not followed/],
  ['node --run start', /not followed/],
  ['node --import none server.js', /module none was not found/],
  ['python3 -Z server.py', /option -Z$/],
  ['python3 -m none', /module none was not found/],
  ['ruby -S app.rb', /option -S$/],
  ['java Main', /classes/],
  ['java -cp ROOT/srv Main', /classes/],
  ['java @file', /option -@file$/],
  ['bun run start', /^bun start/],
  ['deno task start', /^deno task/],
  ['deno run npm:server', /^server is not pinned/],
  ['deno run https://deno.land/x/y.ts', /^https:.* is not pinned/],
  ['timeout 5 node server.js', /^timeout starts another command/],
];

test.each(limited)('%s is approved for eight hours at most', async (line, reason) => {
  const { limit } = await examine(line);
  expect(limit).toEqual({ ms: 8 * 3_600_000, reason: expect.stringMatching(reason) as string });
});

const refused: [line: string, code: string, message: RegExp][] = [
  ['none', 'ERR_COMMAND_NOT_FOUND', /^command not found: none$/],
  ['./server.none', 'ERR_COMMAND_NOT_FOUND', /^command not found/],
  ['ROOT/srv/server.none', 'ERR_COMMAND_NOT_FOUND', /^command not found/],
  ['ROOT/srv/inline.py', 'ERR_NOT_EXECUTABLE', /^command is not executable/],
  ['lost', 'ERR_COMMAND_NOT_FOUND', /^interpreter of .*\/bin\/lost not found: .*\/bin\/none$/],
  ['env none', 'ERR_COMMAND_NOT_FOUND', /^command not found: none$/],
  ['node none.js', 'ERR_COMMAND_NOT_FOUND', /^script of node not found: .*\/srv\/none.js$/],
  ['python3 none.py', 'ERR_COMMAND_NOT_FOUND', /^script of python3 not found/],
  ['sh none.sh', 'ERR_COMMAND_NOT_FOUND', /^script of sh not found/],
  ['java -jar none.jar', 'ERR_COMMAND_NOT_FOUND', /^jar of java not found/],
  ['node pipe', 'ERR_NOT_EXECUTABLE', /^script of node is no file that can be read: .*\/pipe$/],
  ['python3 /dev/null', 'ERR_NOT_EXECUTABLE', /^script of python3 is no file/],
  ['./pipe', 'ERR_NOT_EXECUTABLE', /^command is not executable/],
];

test.each(refused)('%s is an error with a hint, and never waits', async (line, code, message) => {
  spawnSync('mkfifo', [join(root, 'srv', 'pipe')]);
  await expect(examine(line)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
    hint: expect.any(String) as string,
  });
});

test.skipIf(lacks('linux'))(
  'a script is followed through as many others as the kernel follows',
  async () => {
    machine.put('nested/0', '#!/bin/true\n', 0o755);
    for (let at = 1; at <= 6; at++)
      machine.put(`nested/${at}`, `#!${root}/nested/${at - 1}\n`, 0o755);
    for (let at = 0; at <= 6; at++) {
      const line = join(root, 'nested', String(at));
      const { status } = spawnSync(line);
      const isFollowed = await examine(line).then(
        () => true,
        () => false,
      );
      expect([at, isFollowed]).toEqual([at, status === 0]);
    }
  },
);

test('the options of the Node at hand are known', () => {
  const { stdout } = spawnSync(process.execPath, ['--help'], { encoding: 'utf8' });
  const lines = stdout
    .split('\n')
    .flatMap((line) => /^ {2}(-.*?)(?: {2,}.*)?$/.exec(line)?.[1] ?? []);
  expect(lines.length).toBeGreaterThan(100);
  const wrong = lines
    .filter((line) => !/^(?:-|--|-p, --print .*)$/.test(line))
    .flatMap((line) => {
      const takesValue = line.includes('=') && !line.includes('[=');
      const names = line.split(', ').map((name) => name.replace(/[=[ ].*$/, ''));
      // Named together with another one that takes a value.
      return names
        .filter((name) => name !== '--experimental-default-config-file')
        .map((name) => [name, takesValue] as const);
    })
    .filter(([name]) => !name.startsWith('--no-'))
    .filter(([name, takesValue]) => !(takesValue ? nodeValues : nodeFlags).has(name));
  expect(wrong).toEqual([]);
});

test('no arguments make it fail otherwise than with an error of ours', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...'-c -m -e -r -S -p -C -i -- - + run exec dlx x tool = @ npm: file: ./ ../'.split(' '),
    ),
    fc.constantFrom(
      'server.js',
      'package',
      'tool@1.2.3',
      '--require',
      '--import',
      '--package',
      '--from',
      'A=b',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('\0', 'file://host/x', 'file:///%00', '/'.repeat(5000), 'x'.repeat(5000)),
  );
  const word = fc.array(piece, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
  const command = fc.constantFrom(
    ...'node tsx bun deno python3 sh bash env ruby perl php java npx npm pnpm uv uvx pipx docker busybox'.split(
      ' ',
    ),
  );
  await fc.assert(
    fc.asyncProperty(command, fc.array(word, { maxLength: 5 }), async (name, args) => {
      const problem = await examine([name, ...args]).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(problem === undefined || problem instanceof BrokerError).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['uvx', `a${' '.repeat(100_000)}!`],
  ['npx', `${'@'.repeat(100_000)}/`],
  ['docker', 'run', '@sha256:'.repeat(12_000)],
  ['sh', `-${'e'.repeat(100_000)}!`],
  ['python3', '-m', 'x.'.repeat(50_000)],
  ['uv', 'run', '--directory', 'x/'.repeat(50_000), 'serve'],
  ['env', ...Array.from({ length: 2000 }, () => 'env')],
])('%s with a long argument takes no long time', async (...line) => {
  const began = performance.now();
  await examine(line);
  expect(performance.now() - began).toBeLessThan(2000);
});
