import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startPty, type Pty } from '../../../../test/kit/pty.ts';
import { run, type Ended, type RunOptions } from '../../../../test/kit/run.ts';

const mcp = fileURLToPath(new URL('../main.ts', import.meta.url));

/** For tests: a person's folder of its own, in which `mcp` runs from the sources. */
export interface SourceHome {
  /** HOME, and the working folder. */
  readonly folder: string;
  /** `~/.mcp`, which is not set up. */
  readonly broker: string;
  readonly env: Readonly<Record<string, string>>;
  mcp(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The same, and throws when it fails. */
  must(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** A line for `sh`. */
  shell(line: string, options?: RunOptions): Promise<Ended>;
  /** The same on a terminal of its own. */
  terminal(line: string): Pty;
  remove(): Promise<void>;
}

export function createSourceHome(): SourceHome {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-source-')));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const node = JSON.stringify(process.execPath);
  const shim = `#!/bin/sh\nexec ${node} --conditions=dev ${JSON.stringify(mcp)} "$@"\n`;
  writeFileSync(join(bin, 'mcp'), shim, { mode: 0o755 });
  const env = {
    HOME: folder,
    // A keychain that this machine may have is not ours to write to.
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
    PATH: [bin, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
    TERM: 'xterm',
  };
  const place = { cwd: folder, env };
  const home: SourceHome = {
    folder,
    broker: join(folder, '.mcp'),
    env,
    mcp: (args, options) => run(join(bin, 'mcp'), args, { ...place, ...options }),
    async must(args, options) {
      const ended = await home.mcp(args, options);
      if (ended.code === 0) return ended;
      throw new Error(`mcp ${args.join(' ')}: exit ${ended.code}: ${ended.stderr}`);
    },
    shell: (line, options) => run('sh', ['-c', line], { ...place, ...options }),
    terminal: (line) => startPty('sh', ['-c', line], place),
    async remove() {
      await home.mcp(['daemon', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return home;
}
