import { lstatSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { toBrokerError, type BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import { readConfig } from './read.ts';
import type { LoadedConfig } from './types.ts';

/** Editors write, rename and narrow the mode in turn; this is longer than the gaps between. */
const settleMs = 100;
/** Where the system cannot watch. */
const pollMs = 5000;

export interface WatchOptions {
  readonly file: string;
  readonly clock: Clock;
  /** What the caller already has; it is not reported again. Without it, what is read at the start. */
  readonly loaded?: LoadedConfig | undefined;
  /** The file changed and is good. */
  readonly onChange: (loaded: LoadedConfig) => void;
  /** The file changed and is of no use: what was in force stays so. Called once for each change. */
  readonly onBroken: (error: BrokerError) => void;
  /** Stands in for the system's own watch in tests. */
  readonly watchFolder?: (folder: string, onEvent: (name: string | null) => void) => FSWatcher;
}

export interface ConfigWatch {
  /** Reads now and reports, changed or not (SIGHUP). */
  reload(): void;
  close(): void;
}

/**
 * Watches the folder and not the file, which a rename would leave behind. When the system cannot
 * watch, or stops to, the file's state is looked at every five seconds.
 */
export function watchConfig(options: WatchOptions): ConfigWatch {
  const { file, clock } = options;
  let seen = options.loaded === undefined ? read(file).key : keyOfLoaded(options.loaded);
  let cancelCheck: (() => void) | undefined;
  let cancelPoll: (() => void) | undefined;
  let closed = false;

  const check = (always: boolean): void => {
    cancelCheck?.();
    cancelCheck = undefined;
    const result = read(file);
    if (result.key === seen && !always) return;
    seen = result.key;
    if ('loaded' in result) options.onChange(result.loaded);
    else options.onBroken(result.error);
  };
  const checkSoon = (): void => {
    if (closed) return;
    cancelCheck?.();
    cancelCheck = clock.after(settleMs, () => check(false));
  };

  let polled = '';
  const poll = (): void => {
    if (closed) return;
    const state = stateOf(file);
    if (state !== polled) checkSoon();
    polled = state;
    cancelPoll = clock.after(pollMs, poll);
  };

  const watcher = startWatch(options, checkSoon, poll);
  // What changed between the caller's reading and the start of the watch.
  if (options.loaded !== undefined) checkSoon();

  return {
    reload: () => check(true),
    close() {
      closed = true;
      watcher?.close();
      cancelCheck?.();
      cancelPoll?.();
    },
  };
}

function startWatch(
  options: WatchOptions,
  onEvent: () => void,
  poll: () => void,
): FSWatcher | undefined {
  const name = basename(options.file);
  const watchFolder = options.watchFolder ?? watchFolderOf;
  try {
    const watcher = watchFolder(dirname(options.file), (changed) => {
      if (changed === null || changed === name) onEvent();
    });
    watcher.on('error', () => {
      watcher.close();
      poll();
    });
    return watcher;
  } catch {
    // No folder yet, or no watches left (ENOSPC, EMFILE).
    poll();
    return undefined;
  }
}

function watchFolderOf(folder: string, onEvent: (name: string | null) => void): FSWatcher {
  return watch(folder, { persistent: false }, (_event, name) => onEvent(name));
}

type Result = { key: string } & ({ loaded: LoadedConfig } | { error: BrokerError });

/** Equal keys: nothing to report. */
function read(file: string): Result {
  try {
    const loaded = readConfig(file);
    return { key: keyOfLoaded(loaded), loaded };
  } catch (thrown) {
    const error = toBrokerError(thrown);
    return { key: `${error.code} ${error.message} ${stateOf(file)}`, error };
  }
}

function keyOfLoaded({ state, digest }: LoadedConfig): string {
  return `${state} ${digest}`;
}

function stateOf(file: string): string {
  try {
    const { ino, size, mode, mtimeNs, ctimeNs } = lstatSync(file, { bigint: true });
    return `${ino} ${size} ${mode} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
