import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/daemon/protocol';
import { describe, expect, test } from 'vitest';
import type { FakeOptions } from '../../../../test/fixtures/fake-daemon.ts';
import { execFixture, node, printSelf } from './fixture.ts';

const fixture = execFixture();
const { mcp, startDaemon } = fixture;

function copied(file: string): string {
  copyFileSync(file, `${file}.copy`);
  return `${file}.copy`;
}

function becomePipe(file: string): void {
  rmSync(file);
  execFileSync('mkfifo', [file]);
}

function becomeLoop(file: string): void {
  rmSync(file);
  symlinkSync(file, file);
}

describe('a launch that fails', () => {
  const launch = ['exec', '--', node, printSelf];

  test.each<[what: string, options: Omit<FakeOptions, 'home'>, code: number, stderr: string]>([
    [
      'without approval says what to type',
      {
        values: {},
        refusal: new BrokerError('ERR_NOT_APPROVED', 'this launch is not approved', {
          hint: 'mcp approve 7F3A',
        }),
      },
      77,
      'mcp: error: this launch is not approved\nmcp: hint: mcp approve 7F3A\n',
    ],
    [
      'while the home is locked ends with 75',
      { values: {}, refusal: new BrokerError('ERR_LOCKED', 'locked', { hint: 'mcp unlock' }) },
      75,
      'mcp: error: locked\nmcp: hint: mcp unlock\n',
    ],
    [
      'because the daemon dies ends with 69',
      { values: {}, refusal: 'hang up' },
      69,
      'mcp: error: the daemon went away\n',
    ],
    [
      'because a value holds a NUL ends with 78',
      { values: { '$<T>': 'a\0b' } },
      78,
      'mcp: error: the value for T holds a NUL\n',
    ],
  ])('%s', async (_what, options, code, stderr) => {
    await startDaemon(options);
    const ended = await mcp(launch, { T: '$<T>' });
    expect(ended).toMatchObject({ code, signal: null, stdout: '' });
    expect(ended.stderr.slice(0, stderr.length)).toBe(stderr);
  });

  test.each<[what: string, change: (file: string) => void]>([
    ['is written', (file) => appendFileSync(file, '\n')],
    ['takes the place of another', (file) => renameSync(copied(file), file)],
    ['is touched', (file) => chmodSync(file, 0o711)],
    ['goes', (file) => rmSync(file)],
    ['becomes a pipe', (file) => becomePipe(file)],
    ['becomes a loop of links', (file) => becomeLoop(file)],
  ])('because one of its files %s before it starts ends with 77', async (_what, change) => {
    const script = join(fixture.home, 'server.mjs');
    const other = join(fixture.home, 'other.mjs');
    for (const [which, command] of [
      ['program', [script]],
      ['script', [node, script]],
    ] as const) {
      rmSync(script, { force: true });
      writeFileSync(script, '#!/usr/bin/env node\nconsole.log(1)\n', { mode: 0o755 });
      writeFileSync(other, '');
      const options = { values: { '$<T>': 'v' }, files: [other, script] };
      const one = await startDaemon(options);
      expect(await mcp(['exec', '--', ...command], { T: '$<T>' }), which).toMatchObject({
        code: 0,
        stdout: '1\n',
      });
      await one.stop();
      await startDaemon({ ...options, beforeValues: () => change(script) });
      const ended = await mcp(['exec', '--', ...command], { T: '$<T>' });
      expect(ended, which).toMatchObject({ code: 77, signal: null, stdout: '' });
      expect(ended.stderr).toMatch(
        `mcp: error: ${script} changed while it was being launched\nmcp: hint: start the server again`,
      );
      await fixture.daemon?.stop();
    }
  });

  test.each([
    ['127 when there is no such command', ['nosuch-command', 'x'], 127, 'command not found'],
    ['127 when there is no such file', ['/nonexistent/x', 'x'], 127, 'command not found'],
    ['126 when it is a folder', ['/', 'x'], 126, 'not executable'],
    ['64 when there is no command', [], 64, 'exec needs a command'],
    ['64 when an argument holds a reference', ['echo', '$<T>'], 64, 'argument 1 holds'],
  ])('ends with %s', async (_what, args, code, message) => {
    const ended = await mcp(['exec', ...args]);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^mcp: error: ${message}.*\nmcp: hint: .+\n$`, 'u'));
  });

  test('ends with 127 when the interpreter of a script is missing, and 126 for a mode', async () => {
    const script = join(fixture.home, 'script');
    writeFileSync(script, '#!/nonexistent/interpreter\n', { mode: 0o755 });
    const ended = await mcp(['exec', '--', script]);
    expect(ended.code).toBe(127);
    // The script itself is there.
    expect(ended.stderr).toMatch(
      /^mcp: error: interpreter of \S+script not found\nmcp: hint: .+\n$/u,
    );
    chmodSync(script, 0o600);
    expect((await mcp(['exec', '--', script])).code).toBe(126);
  });

  test('ends with 126 when environment and arguments are more than the kernel takes', async () => {
    const value = 'x'.repeat(131_000);
    const entries = Array.from({ length: 40 }, (_, index) => `V${index}`);
    await startDaemon({ values: { '$<T>': value } });
    const { code, stderr } = await mcp([
      'exec',
      ...entries.flatMap((name) => ['--env', `${name}=$<T>`]),
      '--',
      'true',
    ]);
    expect({ code, message: stderr.slice(0, 200).split('\n')[0] }).toEqual({
      code: 126,
      message: expect.stringMatching(/too long for \S+true$/u) as string,
    });
  });
});
