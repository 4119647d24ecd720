import { constants, ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { openOwnFile } from '../audit/own-file.ts';
import type { ProcessId } from '../processes/tree.ts';

/** A launch whose values went out. Names and pids alone: it lies on the disk. */
export interface RunningLaunch {
  readonly launch: string;
  /** A claim. */
  readonly server?: string;
  /** Names, as in the audit. */
  readonly variables: readonly string[];
  /** Milliseconds since 1970. */
  readonly since: number;
  /** What the wrapper called itself in its hello: a claim. */
  readonly client?: string;
  /** Who started the wrapper; it may have ended. The name is a claim. */
  readonly parent?: { readonly pid: number; readonly name: string };
  readonly wrapper: ProcessId;
  /** Undefined until the wrapper has told it. */
  readonly process?: ProcessId;
  /** The wrapper has become the server, or is about to. */
  readonly replaced?: true;
}

/**
 * The launches that run, for the daemon that comes after this one. Not synced: they end with the machine. A disk
 * that takes no more ends nothing: what could not be written follows with the next line that can.
 */
export interface LaunchJournal {
  /** As the daemon before us left them; empty after the machine has restarted. */
  readonly before: readonly RunningLaunch[];
  /** Adds a launch, or puts it in the place of what is known of it; removes `without`, in the same write. */
  put(launch: RunningLaunch, without?: readonly string[]): void;
  remove(launch: string): void;
}

/**
 * Lines of launches that have ended, before the file is written anew; of more that run, as many as those, so
 * that to write them all stays rare.
 */
const maxEnded = 1000;

/**
 * One JSON document a line: the boot that the start times are of, launches, ends of launches. Throws
 * `ERR_INSECURE_FILE` when the file is not ours alone.
 */
export function openLaunchJournal(path: string, boot: string = bootId()): LaunchJournal {
  const fd = openOwnFile(path, constants.O_APPEND);
  const known = readJournal(readFileSync(fd, 'utf8'), boot);
  const before = [...known.values()];
  let ended = 0;
  /** Every line of it stands in the file, whole. */
  let isWhole = true;

  const append = (lines: readonly object[]): void => {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    isWhole = writeSync(fd, bytes) === bytes.length;
  };
  const renew = (): void => {
    ended = 0;
    ftruncateSync(fd);
    append([{ boot }, ...known.values()]);
  };
  const write = (lines: readonly object[]): void => {
    try {
      if (isWhole) append(lines);
      else renew();
    } catch {
      isWhole = false;
    }
  };
  const remove = (launch: string): readonly object[] => {
    if (!known.delete(launch)) return [];
    ended += 1;
    if (ended >= Math.max(maxEnded, known.size)) isWhole = false;
    return [{ ended: launch }];
  };
  renew();

  return {
    before,
    put(launch, without = []) {
      known.set(launch.launch, launch);
      write([launch, ...without.flatMap(remove)]);
    },
    remove(launch) {
      const lines = remove(launch);
      if (lines.length > 0) write(lines);
    },
  };
}

/** The launches that run, or ran when the last daemon ended; none where there is no journal. */
export function readLaunches(path: string): readonly RunningLaunch[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return [...readJournal(text, bootId()).values()];
}

function readJournal(text: string, boot: string): Map<string, RunningLaunch> {
  const known = new Map<string, RunningLaunch>();
  let isOfBoot = false;
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    if ('boot' in entry) isOfBoot = entry.boot === boot;
    else if (!isOfBoot) continue;
    else if ('ended' in entry) known.delete(String(entry.ended));
    else if (isLaunch(entry)) known.set(entry.launch, entry);
  }
  return known;
}

/** Undefined for a line that was cut off. */
function parseLine(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLaunch(entry: object): entry is RunningLaunch {
  const { launch, variables, since, client, parent, wrapper, process } =
    entry as Partial<RunningLaunch>;
  return (
    typeof launch === 'string' &&
    Array.isArray(variables) &&
    typeof since === 'number' &&
    (client === undefined || typeof client === 'string') &&
    (parent === undefined || isNamed(parent)) &&
    isProcess(wrapper) &&
    (process === undefined || isProcess(process))
  );
}

function isProcess(value: unknown): value is ProcessId {
  const { pid, startTime } = (value ?? {}) as Partial<ProcessId>;
  return isPid(pid) && /^\d+$/u.test(String(startTime));
}

function isNamed(value: unknown): boolean {
  const { pid, name } = (value ?? {}) as { readonly pid?: unknown; readonly name?: unknown };
  return isPid(pid) && typeof name === 'string';
}

function isPid(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** Start times of processes count from there; empty where the kernel does not say. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
