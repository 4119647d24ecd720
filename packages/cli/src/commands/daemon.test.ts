import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import type { Ended } from '../../../../test/kit/run.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

let home: SourceHome;
beforeAll(async () => {
  home = createSourceHome();
  await home.must(['init', '--yes', '--fd', '3'], { fd3: 'pass' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const noTerminal = lacks('linux', 'python3');
const daemon = (...args: string[]): Promise<Ended> => home.mcp(['daemon', ...args]);

function pidIn(text: string): string | undefined {
  return /pid (\d+)/u.exec(text)?.[1];
}

describe('mcp daemon', () => {
  test('start leaves one that runs alone, restart makes a new one, stop waits until it is gone', async () => {
    const first = pidIn((await daemon('start')).stdout);
    expect((await daemon('start')).stdout).toBe(`daemon already runs, pid ${first}\n`);
    const restarted = await daemon('restart');
    expect(pidIn(restarted.stdout)).not.toBe(first);
    expect(restarted.stderr).toContain('locked now: mcp unlock');
    expect((await daemon('status')).code).toBe(0);
    const stopped = await daemon('stop');
    expect(stopped.stdout).toBe(`daemon stopped, pid ${pidIn(restarted.stdout)}\n`);
    expect(existsSync(join(home.broker, 'run', 'broker.sock'))).toBe(false);
    expect(await daemon('stop')).toMatchObject({ code: 0, stdout: 'daemon was not running\n' });
    expect((await daemon('status')).code).toBe(69);
  });

  test.skipIf(noTerminal)('run stays in the foreground until Ctrl-C, alone', async () => {
    const pty = home.terminal('exec mcp daemon run');
    await pty.see(/listening on/u);
    expect((await daemon('status')).code).toBe(0);
    const second = await daemon('run');
    expect(second.stderr).toContain('hint: mcp daemon stop');
    expect(second.code).toBe(64);
    pty.type('\u0003');
    expect((await pty.ended).code).toBe(0);
    expect((await daemon('status')).code).toBe(69);
  });

  test.skipIf(noTerminal)('logs -f and audit tail -f go on until Ctrl-C', async () => {
    await daemon('start');
    const logs = home.terminal('exec mcp daemon logs -n 1 -f');
    await logs.see(/listening on/u);
    const audit = home.terminal('exec mcp audit tail -n 1 -f');
    await audit.see(/start allowed/u);
    await home.mcp(['unlock', '--fd', '3'], { fd3: 'pass' });
    await audit.see(/unlock allowed/u);
    await daemon('restart');
    await logs.see(/listening on/u);
    expect((await audit.ended).code).toBe(69);
    logs.type('\u0003');
    expect((await logs.ended).code).toBe(130);
  });

  test('serves another environment apart from the home', async () => {
    const line =
      'cp .mcp/config.yaml other.yaml; chmod 600 other.yaml; mcp --config other.yaml status';
    const { stdout } = await home.shell(line);
    expect(stdout).toContain('not running');
    await home.must(['--config', 'other.yaml', 'daemon', 'start']);
    expect((await home.mcp(['daemon', 'status'])).stdout).toContain('running, pid');
    await home.must(['daemon', 'stop', '--config', 'other.yaml']);
    expect((await home.mcp(['daemon', 'status'])).code).toBe(0);
  });
});
