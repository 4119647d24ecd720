import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const module = fileURLToPath(new URL('koffi.ts', import.meta.url));

test('of koffi its native part alone is loaded, and calls', () => {
  const script = `
    const getpid = require(${JSON.stringify(module)}).loadKoffi().load(null).func('int getpid()');
    const files = Object.keys(require.cache).filter((file) => file.includes('koffi'));
    console.log(getpid() === process.pid, files.map((file) => file.replace(/.*koffi/, '')).join());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('true .ts,.node\n');
});
