import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { run, type Ended } from '../../../../test/kit/run.ts';
import { asideNames } from '../exec/aside.ts';
import { temporaryFolder, testUnit } from './fixture.ts';
import { commandIn, serviceText, socketText } from './systemd-text.ts';

const odd = `/tmp/a b%n$HOME'"\\c;é`;

/** The value of a setting, as it stands in the file. */
function setting(text: string, name: string): string | undefined {
  return new RegExp(`^${name}=(.*)$`, 'mu').exec(text)?.[1];
}

test.each([
  ['/home/u/.mcp', '/home/u/.mcp/run/broker.sock'],
  [odd, `/tmp/a b%%n$HOME'"\\c;é/run/broker.sock`],
])('the socket of %s is written as systemd reads it', (home, written) => {
  expect(setting(socketText(testUnit(home)), 'ListenStream')).toBe(written);
});

test('each word of the command is quoted, and nothing in it is replaced', () => {
  const line = setting(serviceText(testUnit(odd, '/opt/$x y/main.js')), 'ExecStart') ?? '';
  expect(line.startsWith(`":${process.execPath}" "--disable-sigusr1" `)).toBe(true);
  expect(line).toContain(' "/opt/$x y/main.js" ');
  expect(line.endsWith(` "--home" "/tmp/a b%%n$HOME'\\"\\\\c;é" "--log"`)).toBe(true);
});

test('what the file names is read back as it was', () => {
  const unit = testUnit(odd);
  expect(commandIn(serviceText(unit))).toEqual(unit.command());
  expect(commandIn('[Service]\nExecStart=/bin/true\n')).toBeUndefined();
  expect(commandIn('Command=[1,\n')).toBeUndefined();
});

test('A5: what would steer Node is taken from its environment', () => {
  const unset = setting(serviceText(testUnit()), 'UnsetEnvironment')?.split(' ');
  expect(unset).toEqual(asideNames);
  expect(unset).toContain('NODE_OPTIONS');
});

test.each(['/tmp/a\nb', '/tmp/a\u007fb', '/tmp/a\u2028b', '/tmp/a\ufffdb', '/tmp/a\\'])(
  'a home %j is refused',
  (home) => {
    expect(() => socketText(testUnit(home)) + serviceText(testUnit(home))).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }) as Error,
    );
  },
);

test('no option is used that would give the daemon a namespace of its own', () => {
  // It turns away who is in other ones (ERR_DENIED), which would be everybody.
  expect(serviceText(testUnit())).not.toMatch(
    /^(?:Private|Protect|ReadOnly|ReadWrite|Inaccessible|Bind|Temporary|Root|Proc|DynamicUser)/mu,
  );
});

describe.skipIf(lacks('linux', 'systemd-analyze'))('systemd-analyze', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => {
    folder.remove();
  });

  /** As if the user had just logged in. */
  async function analyze(home: string, ...args: string[]): Promise<Ended> {
    const unit = testUnit(home, join(folder.path, 'main.js'));
    const files = [`${unit.name}.service`, `${unit.name}.socket`];
    writeFileSync(join(folder.path, files[0] ?? ''), serviceText(unit));
    writeFileSync(join(folder.path, files[1] ?? ''), socketText(unit));
    mkdirSync(join(folder.path, 'run'), { mode: 0o700 });
    return run('systemd-analyze', ['--user', '--no-pager', ...args, `./${files[0]}`], {
      cwd: folder.path,
      env: {
        PATH: process.env['PATH'],
        HOME: folder.path,
        XDG_RUNTIME_DIR: join(folder.path, 'run'),
        LC_ALL: 'C',
      },
    });
  }

  test.each(['/home/u/.mcp', odd])('finds nothing wrong with the units of %s', async (home) => {
    const { code, stderr } = await analyze(home, 'verify');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  // Of ten, the lower the better. docs/daemon.md has the figure, and why it is not lower.
  test('gives the score that the documentation has', async () => {
    const { code, stdout } = await analyze(
      '/home/u/.mcp',
      'security',
      '--offline=true',
      '--threshold=66',
    );
    expect(stdout).toMatch(/Overall exposure level for mcp-broker.*\.service: 6\.\d /u);
    expect(code).toBe(0);
  });
});
