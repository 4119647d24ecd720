import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPlatform, type Platform } from './index.ts';

test('another system is told which ones are served', () => {
  expect(() => createPlatform('win32')).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', hint: expect.stringContaining('WSL') }),
  );
});

describe.runIf(process.platform === 'linux')('on Linux', () => {
  let folder: string;
  let platform: Platform;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'broker-platform-'));
    platform = createPlatform();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('the descriptor of an accepted socket names the process at its other end', async () => {
    // `_handle.fd` is no public interface of Node: this test tells when it goes.
    const path = join(folder, 'peer.sock');
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    const client = createConnection(path);
    const [accepted] = (await once(server, 'connection')) as [Socket];
    const { _handle: handle } = accepted as unknown as { _handle: { fd: number } };
    expect(handle.fd).toBeGreaterThan(2);
    const uid = process.geteuid?.();
    expect(platform.peerCredentials(handle.fd)).toEqual({ pid: process.pid, uid });
    client.destroy();
    accepted.destroy();
    server.close();
    await once(server, 'close');
  });

  test('a peer that has ended is told from one that lives', async () => {
    const path = join(folder, 'ended.sock');
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    const script = `import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
if os.fork() == 0:
    connection.recv(1)
    os._exit(0)
sys.stdin.read(1)`;
    const child = spawn('python3', ['-c', script, path], { stdio: ['pipe', 'ignore', 'inherit'] });
    const [accepted] = (await once(server, 'connection')) as [Socket];
    const { _handle: handle } = accepted as unknown as { _handle: { fd: number } };
    const { pid } = platform.peerCredentials(handle.fd);
    const held = platform.holdPeer(handle.fd, pid);
    expect(held?.ended).toBe(false);
    child.stdin.end();
    await once(child, 'exit');
    expect(held?.ended).toBe(true);
    held?.release();
    expect(platform.holdPeer(handle.fd, pid)?.ended).toBe(true);
    accepted.destroy();
    server.close();
    await once(server, 'close');
  });

  test('our own namespaces are told, and of a process that is none nothing is', () => {
    const name = expect.stringMatching(/:\[\d+\]$/u) as string;
    expect(platform.namespaces(process.pid)).toEqual({ user: name, pid: name, mount: name });
    expect(platform.namespaces(2 ** 31 - 1)).toBeUndefined();
    expect(platform.controlGroup(2 ** 31 - 1)).toBeUndefined();
  });

  test('the credentials of what is no socket are an error', () => {
    expect(() => platform.peerCredentials(9999)).toThrow(/getsockopt failed with error 9/u);
  });

  test('the start time of a living process is there and stays', () => {
    const start = platform.startTime(process.pid);
    expect(start).toMatch(/^\d+$/u);
    expect(platform.startTime(process.pid)).toBe(start);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31 - 1])('pid %d has no start time', (pid) => {
    expect(platform.startTime(pid)).toBeUndefined();
    expect(platform.process(pid)).toBeUndefined();
  });

  test.each([
    ['the first name', { MARK: '1', OTHER: '2' }, true],
    ['a later name', { OTHER: '2', MARK: '1' }, true],
    // The environment is read in blocks of 64 KiB: the name lies across the end of one.
    ...Array.from({ length: 12 }, (_, at) => [
      `a name ${at} bytes before the end of a block`,
      { A: 'x'.repeat(65_535 - 'A=\0'.length - at), MARK: '1' },
      true,
    ]),
    ['no such name', { MARKER: '1', REMARK: '1', OTHER: 'MARK=1' }, false],
  ] as [string, Record<string, string>, boolean][])(
    'the environment of a process is searched: %s',
    async (_title, env, found) => {
      const child = spawn('/bin/sleep', ['60'], { env, stdio: 'ignore' });
      await once(child, 'spawn');
      expect(platform.hasVariable(child.pid ?? 0, 'MARK')).toBe(found);
      child.kill();
      await once(child, 'close');
      expect(platform.hasVariable(child.pid ?? 0, 'MARK')).toBe(false);
    },
  );

  test('a process that has ended has no start time, even before it is collected', async () => {
    const script = `import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True)
time.sleep(60)`;
    const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number.parseInt(String(chunk), 10);
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toMatch(/\) Z /u);
    expect(platform.startTime(pid)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'close');
  });

  test('a process is described by the kernel', async () => {
    // A name that looks like the rest of the line.
    const child = spawn('bash', ['-c', 'exec -a ") Z 1 1 1 1" sleep 60'], { cwd: folder });
    await once(child, 'spawn');
    const facts = platform.process(child.pid ?? 0);
    expect(facts).toMatchObject({ parent: process.pid, workingDirectory: folder });
    expect(facts?.startTime).toBe(platform.startTime(child.pid ?? 0));
    child.kill('SIGKILL');
    await once(child, 'close');
  });

  test('a folder that was removed is no working folder', async () => {
    const gone = mkdtempSync(join(folder, 'gone-'));
    const child = spawn('sleep', ['60'], { cwd: gone });
    await once(child, 'spawn');
    rmSync(gone, { recursive: true });
    expect(platform.process(child.pid ?? 0)?.workingDirectory).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'close');
  });

  test('a file lock keeps a second holder out until it is closed', () => {
    const file = join(folder, 'lock');
    const [first, second] = [openSync(file, 'w'), openSync(file, 'w')];
    expect(platform.tryLock(first)).toBe(true);
    expect(platform.tryLock(second)).toBe(false);
    closeSync(first);
    expect(platform.tryLock(second)).toBe(true);
    closeSync(second);
    expect(() => platform.tryLock(9999)).toThrow(/flock failed with error 9/u);
  });

  test('locked memory is what the kernel counts', () => {
    expect(platform.lockedMemory()).toBeGreaterThanOrEqual(0);
  });

  test('hardening leaves no core file, a raised limit, and a process that cannot be looked into', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { createPlatform } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)};
      createPlatform().harden();
      let environ = 'readable';
      try { readFileSync('/proc/self/environ'); } catch (error) { environ = error.code; }
      console.log(JSON.stringify({ environ, limits: readFileSync('/proc/self/limits', 'latin1') }));
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--conditions=dev',
        '--disable-proto=delete',
        '--disallow-code-generation-from-strings',
        '--input-type=module',
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const { environ, limits } = JSON.parse(stdout) as { environ: string; limits: string };
    // Root passes by the check that keeps everyone else out.
    expect(environ).toBe(process.geteuid?.() === 0 ? 'readable' : 'EACCES');
    expect(limits).toMatch(/Max core file size\s+0\s+0/u);
    expect(limits).toMatch(/Max locked memory\s+(\S+)\s+\1/u);
  });
});
