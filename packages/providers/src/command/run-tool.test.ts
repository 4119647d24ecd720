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
