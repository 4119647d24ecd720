import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandSettings } from '@mcp-broker/providers';
import { createCommandProvider } from '../../packages/providers/src/command/command.ts';
import type { Subject } from './suite.ts';

const tool = fileURLToPath(new URL('../fixtures/programs/folder-store', import.meta.url));

export interface StoreOptions {
  /** What is run instead of the store, for each operation: a program and its arguments. */
  readonly argv?: readonly string[];
  readonly timeoutMs?: number;
}

/** A command backend on a folder of files, its tool allowed without asking anybody. */
export function createCommandStore(options: StoreOptions = {}): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-command-'));
  const argvOf = (operation: string): readonly string[] => options.argv ?? [tool, operation];
  const settings: CommandSettings = {
    get: argvOf('get'),
    set: argvOf('set'),
    list: argvOf('list'),
    timeoutMs: options.timeoutMs ?? 30_000,
    notFoundExit: [3],
    deniedExit: [4],
  };
  const provider = createCommandProvider(settings, {
    backend: 'folder',
    admitTool: (operation) =>
      Promise.resolve({
        file: argvOf(operation)[0] ?? '',
        argv: argvOf(operation),
        workingDirectory: folder,
        environment: { PATH: '/usr/bin:/bin', STORE: folder },
        release: () => undefined,
      }),
    after(ms, action) {
      const timer = setTimeout(action, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  });
  return Promise.resolve({
    provider,
    seed: (items) => {
      for (const [name, value] of items) writeFileSync(join(folder, name), value);
      return Promise.resolve();
    },
    stall: () => {
      writeFileSync(join(folder, '.stalled'), '');
      return Promise.resolve(() => {
        rmSync(join(folder, '.stalled'));
      });
    },
    cleanup: () => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
}
