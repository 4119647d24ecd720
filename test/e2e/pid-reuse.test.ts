import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, mcpCommand } from '../kit/home.ts';
import { cannotRun, lacks } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

const fixture = fileURLToPath(new URL('../fixtures/pid-reuse.py', import.meta.url));
const canChoosePids = existsSync('/proc/sys/kernel/ns_last_pid');

test.skipIf(lacks('linux', 'root', 'unshare', 'python3'))(
  'B3: a process that got the pid of the one that connected, and its descriptor, gets no answer',
  async (context) => {
    context.skip(!canChoosePids && cannotRun('the kernel lets nobody choose a pid'));
    const home = await createHome({ kind: 'identity' });
    try {
      await home.mcp(['daemon', 'stop']);
      // The daemon is there as well: it would turn away a peer of another namespace before all else.
      const script = `"$1" daemon start >&2 && python3 "$2"`;
      const words = ['--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script, 'sh'];
      const env = { ...home.env, MCP_HOME: home.broker };
      const ended = expectSuccess(await run('unshare', [...words, mcpCommand, fixture], { env }));
      const outcome = JSON.parse(ended.stdout) as Record<string, unknown>;
      expect(outcome).toMatchObject({
        again: outcome['pid'],
        first: expect.any(Number) as number,
        second: '',
      });
      const refused = (await auditLines(home)).filter(({ event }) => event === 'refused-peer');
      expect(refused).toMatchObject([{ outcome: 'denied', pid: outcome['pid'] }]);
    } finally {
      await home.remove();
    }
  },
);
