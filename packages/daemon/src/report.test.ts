import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../test/kit/needs.ts';

const module = JSON.stringify(new URL('report.ts', import.meta.url).href);

/** Runs the text after `report` and `endOnBugs` were loaded; descriptor 2 as given. */
async function run(
  text: string,
  stderr: 'pipe' | number = 'pipe',
): Promise<{ code: number; said: string }> {
  const program = `import { report, endOnBugs } from ${module};\n${text}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', stderr],
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

describe('a line of the log', () => {
  test('B19: is one line, on which no terminal acts', async () => {
    const text = String.raw`report('a\n2026 b\x1b[2J\x9b\u202e')`;
    const { said } = await run(text);
    expect(said).toMatch(/^\S+Z a\\u\{a\}2026 b\\u\{1b\}\[2J\\u\{9b\}\\u\{202e\}\n$/u);
  });

  test.skipIf(lacks('linux'))('is lost when the disk is full, and nothing else is', async () => {
    const full = openSync('/dev/full', 'w');
    const text = "endOnBugs(); report('x'); setTimeout(() => console.log('lives'), 10);";
    expect(await run(text, full)).toEqual({ code: 0, said: 'lives\n' });
    closeSync(full);
  });

  test('is lost when nobody reads it any more, and nothing else is', async () => {
    const text = `
      import { closeSync } from 'node:fs';
      endOnBugs();
      closeSync(2);
      report('x');
      setTimeout(() => console.log('lives'), 10);`;
    expect(await run(text)).toEqual({ code: 0, said: 'lives\n' });
  });
});

describe('what nobody caught', () => {
  test.each([
    ['an error', "throw new TypeError('hunter2')", 'TypeError'],
    ['a text', "throw 'hunter2'", 'thrown string'],
    ['nothing', 'throw null', 'thrown object'],
    [
      'an error whose name throws',
      "throw Object.defineProperty(new Error(), 'name', { get() { throw 'hunter2' } })",
      'of no name',
    ],
    ['a promise that is rejected', "void Promise.reject(new RangeError('hunter2'))", 'RangeError'],
    ['a promise that is rejected with nothing', 'void Promise.reject()', 'thrown undefined'],
  ])('ends the process with 70 and its name alone: %s', async (_title, text, name) => {
    const { code, said } = await run(`endOnBugs(); setTimeout(() => { ${text} });`);
    expect(code).toBe(70);
    expect(said).toMatch(new RegExp(`^\\S+ internal error: ${name}\\n$`, 'u'));
  });
});
