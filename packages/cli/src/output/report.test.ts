import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BrokerError } from '@mcp-broker/daemon/protocol';
import { describe, expect, test } from 'vitest';
import { errorLines } from './report.ts';

describe('an error on the screen', () => {
  test('is one line, and one for its hint', () => {
    const error = new BrokerError('ERR_LOCKED', 'the sealed file is locked', {
      hint: 'mcp unlock',
    });
    expect(errorLines(error.toShape())).toEqual([
      'mcp: error: the sealed file is locked',
      'mcp: hint: mcp unlock',
    ]);
  });

  test('that sums up others shows each of them, and a shared hint once', () => {
    const problems = ['A', 'B'].map((name) =>
      new BrokerError('ERR_UNKNOWN_VARIABLE', `no ${name}`, { hint: 'mcp secret list' }).toShape(),
    );
    const error = new BrokerError('ERR_UNKNOWN_VARIABLE', 'no A; no B', { problems });
    expect(errorLines(error.toShape())).toEqual([
      'mcp: error: no A',
      'mcp: error: no B',
      'mcp: hint: mcp secret list',
    ]);
  });

  test('B19: cannot move the cursor or begin a line of its own', () => {
    const error = new BrokerError('ERR_NOT_FOUND', 'no \u001b[2J\nmcp: hint: run this');
    expect(errorLines(error.toShape())).toEqual(['mcp: error: no \\e[2J\\nmcp: hint: run this']);
  });

  test('is written whole into a pipe that does not block and is full', async () => {
    // Node makes the pipe non-blocking when it opens its stream; a pipe holds 64 KiB.
    const script = `
      import { BrokerError } from '@mcp-broker/daemon/protocol';
      import { reportError } from './src/output/report.ts';
      process.stderr;
      process.stdout.write('ready');
      process.exitCode = reportError(new BrokerError('ERR_NOT_FOUND', 'x'.repeat(300_000)));
    `;
    const child = spawn(
      process.execPath,
      ['--conditions=dev', '--input-type=module', '--eval', script],
      { cwd: new URL('../..', import.meta.url), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    expect(await closed).toEqual([66, null]);
    expect(text).toBe(`mcp: error: ${'x'.repeat(300_000)}\n`);
  });
});
