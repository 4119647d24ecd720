import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { constants } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

let home: Home;
let pid = 0;
beforeAll(async () => {
  home = await createHome({ kind: 'identity' });
  pid = await daemonPid();
}, 60_000);
afterAll(async () => {
  await home.remove();
});

async function daemonPid(): Promise<number> {
  const { stdout } = await home.mcp(['status', '--json']);
  return (JSON.parse(stdout) as { pid: number }).pid;
}

describe('the daemon', () => {
  needs(
    'gdb',
    'root',
    'linux',
  )('A13: cannot be read by a process of the same user', async () => {
    // Root may trace what it likes: the tracer gives its capabilities away first.
    const asUser = ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
    for (const command of [
      ['gdb', '-batch', '-p', String(pid), '-ex', 'info registers'],
      ['cat', `/proc/${pid}/environ`],
      ['dd', `if=/proc/${pid}/mem`, 'bs=1', 'count=1'],
    ]) {
      const ended = await run('setpriv', [...asUser, ...command]);
      expect(ended.stderr + ended.stdout, command.join(' ')).toMatch(
        /not permitted|denied|could not attach/iu,
      );
    }
  });

  needs('linux')('A13: may write no core file and keeps values out of swap', async () => {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    expect(limits).toMatch(/Max core file size +0 +0/u);
    await home.set('TOKEN', 'value');
    const { stdout } = await home.mcp(['status', '--json']);
    const { memory } = JSON.parse(stdout) as { memory: { reserved: number; locked: number } };
    expect(memory.reserved).toBeGreaterThan(0);
    expect(memory.locked).toBeGreaterThanOrEqual(memory.reserved);
  });

  needs('linux')(
    'A6: opens no port and writes no file, whatever signal it is sent',
    async () => {
      // SIGKILL and those that stop it are nobody's to answer; 32 and 33 are the C library's own.
      const unanswerable = ['SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;
      const left = new Set<number>([
        32,
        33,
        ...unanswerable.map((name) => constants.signals[name]),
      ]);
      await home.set('TOKEN', 'value');
      await home.mcp(['daemon', 'restart']);
      const before = written();
      for (let signal = 1; signal <= 64; signal += 1) {
        if (left.has(signal)) continue;
        const victim = await daemonPid();
        process.kill(victim, signal);
        // A signal that ends the daemon is fine, one that opens it is not: the next use starts it again.
        expect(await inspectorAnswers(), String(signal)).toBe(false);
        expect(portsOf(victim), String(signal)).toEqual([]);
        // One that is just going may take a first try with it.
        const answers = async (): Promise<number> => (await home.mcp(['daemon', 'start'])).code;
        await expect.poll(answers, { timeout: 10_000 }).toBe(0);
      }
      expect(written()).toEqual(before);
    },
    180_000,
  );

  test('A5: never runs what the environment of its starter names', async () => {
    await home.mcp(['daemon', 'stop']);
    const evil = join(home.folder, 'evil.cjs');
    writeFileSync(
      evil,
      `require('node:fs').writeFileSync(${JSON.stringify(join(home.folder, 'evil-ran'))}, process.argv.join())`,
    );
    const env = { NODE_OPTIONS: `--require ${evil}` };
    expect((await home.mcp(['secret', 'list'], { env })).code).toBe(0);
    expect(readdirSync(home.folder)).not.toContain('evil-ran');
  });

  needs('root', 'linux')(
    'B25: passes nothing on of the environment of whoever started it',
    async () => {
      await home.mcp(['daemon', 'stop']);
      expect((await home.mcp(['secret', 'list'], { env: { OF_THE_STARTER: 'x' } })).code).toBe(0);
      // Only root reads the environment of a process that is not dumpable.
      const environ = readFileSync(`/proc/${await daemonPid()}/environ`, 'utf8');
      const names = environ.split('\0').map((entry) => entry.split('=')[0]);
      expect(names).toContain('HOME');
      expect(names).not.toContain('OF_THE_STARTER');
    },
  );

  test('A6: does not run under flags that open it', async () => {
    await home.mcp(['daemon', 'stop']);
    const main = join(mcpCommand, '../../node_modules/@mcp-broker/daemon/dist/main.js');
    for (const flag of ['--inspect=0', '--heapsnapshot-signal=SIGUSR2', '--report-on-signal']) {
      const ended = await run(process.execPath, [flag, main, '--home', home.broker], {
        env: home.env,
      });
      expect(ended.code, flag).toBe(64);
      expect(ended.stderr).toContain('does not run under');
    }
  });
});

/** The TCP ports on which a process listens, as far as we may look into it. */
function portsOf(victim: number): string[] {
  const sockets = new Set<string>();
  try {
    for (const fd of readdirSync(`/proc/${victim}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/u.exec(readlinkSync(`/proc/${victim}/fd/${fd}`)) ?? [];
      if (inode !== undefined) sockets.add(inode);
    }
  } catch {
    // It has gone, or we are not root.
  }
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .filter((line) => sockets.has(line.trim().split(/\s+/u)[9] ?? '')),
  );
}

/** What lies in the home, but for what each start may leave there. */
function written(): string[] {
  const names = readdirSync(home.folder, { recursive: true }).map(String);
  // Node would write a report, a heap or a core file where the daemon stands.
  const beside = readdirSync('/').filter((name) => /^(?:core|report|Heap)[.-]?/u.test(name));
  return [...names.filter((name) => !/^\.mcp\/(cache|run)\//u.test(name)), ...beside].sort();
}

async function inspectorAnswers(): Promise<boolean> {
  const socket = connect(9229, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
