import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { createVault } from './memory.ts';

// In a file, and so a process, of its own: what other tests lock is given back when it suits Node.

test.runIf(process.platform === 'linux')(
  'the kernel keeps all of it out of swap, and gets it back',
  async ({ skip }) => {
    const limit = /^Max locked memory\s+(\S+)/m.exec(
      readFileSync('/proc/self/limits', 'utf8'),
    )?.[1];
    if (Number(limit) < 1024 * 1024) {
      if (process.env['MCP_TEST_REAL'] === 'require') throw new Error('ulimit -l is too low');
      skip('ulimit -l is too low');
    }
    const before = lockedBytes();
    const vault = createVault();
    const slices = Array.from({ length: 2000 }, () => vault.store(Buffer.alloc(100, 1)));
    const large = vault.store(Buffer.alloc(200_000, 1));
    expect(vault.reserved).toBeGreaterThan(400_000);
    expect(lockedBytes() - before).toBe(vault.reserved);
    for (const slice of [...slices, large]) slice.wipe();
    expect(vault.reserved).toBeLessThan(100_000);
    await vi.waitUntil(() => lockedBytes() - before === vault.reserved);
  },
);

function lockedBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmLck:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
