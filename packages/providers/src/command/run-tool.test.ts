import { afterEach, expect, test, vi } from 'vitest';
import { runTool } from './run-tool.ts';
import type { AdmittedTool } from './tool.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function shell(script: string): AdmittedTool {
  return {
    file: '/bin/sh',
    argv: ['sh', '-c', script],
    workingDirectory: '/',
    environment: { PATH: '/usr/bin:/bin' },
    release: () => undefined,
  };
}

function after(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  return () => {
    clearTimeout(timer);
  };
}

test('a tool that we may not end, since it runs as another user, is given up', async () => {
  const asked: (string | number)[] = [];
  const own = process.kill.bind(process);
  let group = 0;
  vi.spyOn(process, 'kill').mockImplementation((pid, name = 0) => {
    group = pid;
    asked.push(name);
    throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
  });
  const tool = shell('exec sleep 1000');
  const { signal } = new AbortController();
  try {
    const options = { argv: tool.argv, timeoutMs: 10, most: 10, signal, after };
    const { ended, exit } = await runTool(tool, options);
    expect({ ended, exit }).toEqual({ ended: 'timeout', exit: null });
    expect(asked.slice(0, 2)).toEqual(['SIGTERM', 'SIGKILL']);
  } finally {
    own(group, 'SIGKILL');
  }
});

test.each([
  [
    'too many words',
    { file: '/bin/sh' },
    ['sh', 'x'.repeat(1_000_000)],
    'ERR_NOT_EXECUTABLE',
    'E2BIG',
  ],
  [
    'a file that has gone',
    { file: '/nonexistent/tool' },
    ['tool'],
    'ERR_COMMAND_NOT_FOUND',
    'ENOENT',
  ],
])(
  'a tool with %s is told as one that cannot be started',
  async (_what, own, argv, code, errno) => {
    let released = 0;
    const tool = { ...shell(''), ...own, release: () => (released += 1) };
    const { signal } = new AbortController();
    const running = runTool(tool, { argv, timeoutMs: 30_000, most: 10, signal, after });
    await expect(running).rejects.toMatchObject({
      code,
      message: `the tool ${argv[0]} could not be started (${errno})`,
    });
    expect(released).toBe(1);
  },
);

test('docs/command-backends.md: the streams are read and written, and not opened by their names', async () => {
  const run = async (script: string): Promise<[number | null, string]> => {
    const tool = shell(script);
    const { signal } = new AbortController();
    const input = Buffer.from('in');
    const options = { argv: tool.argv, input, timeoutMs: 30_000, most: 10, signal, after };
    const { exit, stdout, stderr } = await runTool(tool, options);
    return [exit, Buffer.concat([stdout, stderr]).toString()];
  };
  expect(await run('cat; echo err >&2')).toEqual([0, 'inerr\n']);
  for (const name of ['cat </dev/stdin', 'echo >/dev/stderr', 'echo >/dev/stdout']) {
    expect((await run(name))[0], name).not.toBe(0);
  }
});
