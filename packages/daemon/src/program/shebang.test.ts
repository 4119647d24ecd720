import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { parseShebang } from './shebang.ts';

const long = (count: number): string => 'a'.repeat(count);

/** First bytes of a script; `ECHO` stands for a program that prints its arguments. */
const lines: [title: string, head: string, interpreter: string | undefined, argument?: string][] = [
  ['a name', '#!ECHO\n', 'ECHO'],
  ['a name after a space', '#! \tECHO\n', 'ECHO'],
  ['one argument', '#!ECHO -x\n', 'ECHO', '-x'],
  ['all that follows as one argument', '#!ECHO -S node  --flag\n', 'ECHO', '-S node  --flag'],
  ['no spaces around the argument', '#!ECHO \t -x \t \n', 'ECHO', '-x'],
  ['a name without a newline', '#!ECHO', 'ECHO'],
  ['an argument without a newline', '#!ECHO -x', 'ECHO', '-x'],
  ['a carriage return as part of the name', '#!ECHO\r\n', 'ECHO\r'],
  ['a carriage return as part of the argument', '#!ECHO -x\r\n', 'ECHO', '-x\r'],
  ['no name', '#!\n', undefined],
  ['only spaces', '#!  \t\n', undefined],
  ['no first line', ' #!ECHO\n', undefined],
  ['an empty file', '', undefined],
  ['an argument that is cut off after 255 bytes', `#!ECHO ${long(400)}\n`, 'ECHO', 'cut'],
  ['a name that is cut off, which is none', `#!/${long(400)} -x\n`, undefined],
];

let folder = '';
let echo = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-line-'));
  echo = '/bin/echo';
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(lines)('%s is read', (_title, text, interpreter, argument) => {
  const head = Buffer.from(text.replaceAll('ECHO', echo)).subarray(0, 256);
  const found = parseShebang(head);
  expect(found?.interpreter).toBe(interpreter?.replace('ECHO', echo));
  const cut = long(255 - `#!${echo} `.length);
  expect(found?.argument).toBe(argument === 'cut' ? cut : argument);
});

test.skipIf(lacks('linux')).each(lines.filter(([, , , argument]) => argument !== undefined))(
  '%s is what the kernel hands over',
  (_title, text) => {
    const content = text.replaceAll('ECHO', echo);
    const script = join(folder, 'script');
    writeFileSync(script, content, { mode: 0o755 });
    const { argument = '' } = parseShebang(Buffer.from(content).subarray(0, 256)) ?? {};
    const { stdout } = spawnSync(script, ['last'], { encoding: 'utf8' });
    expect(stdout).toBe(spawnSync(echo, [argument, script, 'last'], { encoding: 'utf8' }).stdout);
  },
);
