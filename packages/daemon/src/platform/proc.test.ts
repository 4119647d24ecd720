import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { variableValues } from './proc.ts';

const block = 64 * 1024;

async function valuesIn(env: Record<string, string>): Promise<readonly string[]> {
  const child = spawn('/bin/sleep', ['300'], { env, stdio: 'ignore' });
  await once(child, 'spawn');
  const values = variableValues(child.pid ?? 0, 'MARK');
  child.kill('SIGKILL');
  await once(child, 'close');
  return values;
}

describe.skipIf(lacks('linux'))('the values of a variable in the environment of a process', () => {
  test.each<[string, Record<string, string>, readonly string[]]>([
    ['the first name', { MARK: 'one', OTHER: '2' }, ['one']],
    ['the last name', { OTHER: '2', MARK: 'one' }, ['one']],
    ['none', { MARKER: '1', REMARK: '2', OTHER: 'MARK=3' }, []],
    ['an empty one', { MARK: '' }, ['']],
    // What is too long for a block is no mark of ours.
    ['a long one, and what follows it', { MARK: 'x'.repeat(block + 100), OTHER: '2' }, []],
    // The environment is read in blocks: the name or the value lies across the end of one.
    ...Array.from({ length: 12 }, (_, at): [string, Record<string, string>, readonly string[]] => [
      `one that begins ${at} bytes before the end of a block`,
      { A: 'x'.repeat(block - 'A=\0'.length - at), MARK: 'one', B: 'y'.repeat(block) },
      ['one'],
    ]),
  ])('%s', async (_title, env, expected) => {
    expect(await valuesIn(env)).toEqual(expected);
  });

  test('a process that is not there has none', () => {
    expect(variableValues(2 ** 31 - 1, 'MARK')).toEqual([]);
  });
});
