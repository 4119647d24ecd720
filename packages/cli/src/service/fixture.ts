import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { locatePaths } from '@mcp-broker/daemon/client';

import type { Call, Called } from './manager.ts';
import { unitOf, type Unit } from './unit.ts';

/** For tests: a unit of a home that nobody has made. */
export function testUnit(home = '/home/u/.mcp', main = '/opt/mcp/main.js'): Unit {
  return unitOf(locatePaths({ home, environment: {} }), { main: () => main });
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-service-')));
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A service manager that says what it is told to, and keeps what it was asked. */
export function fakeManager(answer: (args: readonly string[]) => Partial<Called>): {
  readonly call: Call;
  readonly asked: readonly string[];
} {
  const asked: string[] = [];
  return {
    asked,
    async call(command, args) {
      const words = args.filter((word) => !word.startsWith('--'));
      asked.push([command, ...words].join(' '));
      return { ok: true, stdout: '', reason: '', ...answer(words) };
    },
  };
}
