import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

const good = '# mine\nversion: "1.0"\nsettings:\n  ttl: 1m\n';

let home: SourceHome;
let file: string;
beforeAll(async () => {
  home = createSourceHome();
  file = join(home.broker, 'config.yaml');
  await home.must(['init', '--yes', '--fd', '3'], { fd3: 'pass' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});
beforeEach(() => {
  writeFileSync(file, good, { mode: 0o600 });
});

/** An editor that runs this with the file as `$1`. */
function editor(script: string): string {
  const path = join(home.folder, 'editor');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

const now = (): string => readFileSync(file, 'utf8');
const leftovers = (): string[] =>
  readdirSync(home.broker).filter((name) => /edit|config.*lock|tmp/u.test(name));

function edit(script: string): ReturnType<SourceHome['mcp']> {
  return home.mcp(['config', 'edit'], { env: { ...home.env, EDITOR: editor(script) } });
}

test('what the editor made of the copy takes the place of the file', async () => {
  const { code, stdout, stderr } = await edit(`sed -i s/1m/2m/ "$1"; ls -l "$1" > "$HOME/seen"`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'mcp: the running daemon has taken it\n' });
  expect(stdout).toBe(`${file} is changed\n`);
  expect(now()).toBe(good.replace('1m', '2m'));
  expect(readFileSync(join(home.folder, 'seen'), 'utf8')).toMatch(/^-rw-------/u);
  expect(leftovers()).toEqual([]);
});

test.each([
  ['breaks the copy', 'echo nonsense: 1 >> "$1"', 78, 'unknown key'],
  ['fails', 'echo x >> "$1"; exit 3', 1, 'the editor failed (exit 3)'],
  ['is killed', 'echo x >> "$1"; kill -9 $$', 1, 'the editor failed'],
  ['takes the copy away', 'rm "$1"', 1, 'the editor left no file'],
  ['writes another encoding', `printf '# \\351\\n' >> "$1"`, 78, 'is not UTF-8 text'],
])('an editor that %s leaves the file as it was', async (_what, script, status, says) => {
  const { code, stderr } = await edit(script);
  expect({ code, stderr }).toEqual({
    code: status,
    stderr: expect.stringContaining(says) as string,
  });
  expect(now()).toBe(good);
  expect(leftovers()).toEqual([]);
});

test('what was written is kept when the file was changed by someone else meanwhile', async () => {
  const { code, stderr } = await edit(
    'echo "# more" >> "$1"; echo "# theirs" >> "$HOME/.mcp/config.yaml"',
  );
  expect(code).toBe(78);
  expect(stderr).toContain(`${file} was changed by someone else meanwhile`);
  expect(now()).toBe(`${good}# theirs\n`);
  const kept = /diff \S+ (\S+)$/mu.exec(stderr)?.[1] ?? '';
  expect(readFileSync(kept, 'utf8')).toBe(`${good}# more\n`);
  rmSync(dirname(kept), { recursive: true });
  expect(leftovers()).toEqual([]);
});

test('a file that is broken can be mended', async () => {
  writeFileSync(file, good.replace('ttl', 'tttl'));
  expect((await edit('sed -i s/tttl/ttl/ "$1"')).code).toBe(0);
  expect(now()).toBe(good);
});

test('VISUAL comes before EDITOR, both may have options, and one of them is needed', async () => {
  const path = editor('echo "# $1" >> "$2"');
  const env = { ...home.env, VISUAL: `${path} 'two words'`, EDITOR: 'false' };
  expect((await home.mcp(['config', 'edit'], { env })).code).toBe(0);
  expect(now()).toContain('# two words\n');
  const none = await home.mcp(['config', 'edit']);
  expect({ code: none.code, stderr: none.stderr }).toEqual({
    code: 64,
    stderr: expect.stringContaining('hint: EDITOR=vi mcp config edit') as string,
  });
});

describe.skipIf(lacks('linux', 'python3'))('on a terminal', () => {
  const script = `n=$(cat "$HOME/n" 2>/dev/null)x; printf %s "$n" > "$HOME/n"
[ "$n" = x ] && echo nonsense: 1 >> "$1" || sed -i /nonsense/d "$1"; echo "# edited" >> "$1"`;

  test.each([
    ['\r', `${good}# edited\n# edited\n`, 0],
    ['n\r', good, 78],
    ['\u0003', good, 130],
  ])('after a mistake %j is an answer to whether to edit again', async (typed, text, status) => {
    const path = editor(script);
    writeFileSync(join(home.folder, 'n'), '');
    const pty = home.terminal(`EDITOR=${path} exec mcp config edit`);
    await pty.see(/nonsense.*unknown key[^]*Edit again\? \[Y\/n\] /u);
    pty.type(typed);
    const { code, restored } = await pty.ended;
    expect({ code, restored, text: now() }).toEqual({ code: status, restored: true, text });
    expect(leftovers()).toEqual([]);
  });
});
