import { dirname } from 'node:path';
import { BrokerError, type ErrorShape } from '@mcp-broker/providers/errors';
import { replaceFile } from '@mcp-broker/providers/durable-write';
import { tryStartLock } from '../client/start-lock.ts';
import { sleep, systemClock } from '../clock.ts';
import { readText } from './parse.ts';
import { configError, formatPath, type Problem } from './problem.ts';
import { readConfigText } from './read.ts';
import type { LoadedConfig } from './types.ts';

/** What a file begins as that is not there yet. */
export const newConfigText: string = 'version: "1.0"\n';
const patienceMs = 5000;
const pauseMs = 20;

export interface ConfigChange {
  readonly loaded: LoadedConfig;
  /** False: the text was what it became, and nothing was written. */
  readonly changed: boolean;
}

/**
 * Changes the text of the config file, whole or not at all: what `change` makes of it is validated before
 * it takes the place of the file, on the disk when this resolves. Two that change it at once do so one
 * after the other; what an editor writes meanwhile is not lost, `change` then gets that. `mayBeBroken`: it
 * mends the file.
 * Throws what is wrong with the file, or `ERR_CONFIG` with what would be wrong with it.
 */
export async function changeConfig(
  file: string,
  change: (text: string) => string,
  { mayBeBroken = false }: { readonly mayBeBroken?: boolean } = {},
): Promise<ConfigChange> {
  const unlock = await lock(file);
  try {
    for (;;) {
      const before = readConfigText(file);
      const old = readText(before ?? newConfigText, file);
      if ('problems' in old && !mayBeBroken) throw configError(file, old.problems);
      const text = change(before ?? newConfigText);
      const next = readText(text, file);
      if ('problems' in next) throw wouldBreak(next.problems);
      requireNoSecret('loaded' in old ? old.loaded.unusable : [], next.loaded.unusable);
      if (text === before) return { loaded: next.loaded, changed: false };
      try {
        await replaceFile(file, Buffer.from(text), new AbortController().signal, () => {
          if (readConfigText(file) !== before) throw new Overtaken();
        });
        return { loaded: next.loaded, changed: true };
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
      }
    }
  } finally {
    unlock();
  }
}

/** Somebody else has written the file since it was read. */
class Overtaken extends Error {}

async function lock(file: string): Promise<() => void> {
  const deadline = systemClock.monotonic() + patienceMs;
  for (;;) {
    const release = takeLock(file);
    if (release !== undefined) return release;
    if (systemClock.monotonic() > deadline) {
      throw new BrokerError('ERR_ABORTED', `another process is changing ${file}`, {
        hint: `try again; if none is: rm ${file}.lock`,
        retryable: true,
      });
    }
    await sleep(pauseMs);
  }
}

function takeLock(file: string): (() => void) | undefined {
  try {
    return tryStartLock(`${file}.lock`);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new BrokerError('ERR_INSECURE_FILE', `${file} cannot be changed: ${code}`, {
      hint: `ls -ld ${dirname(file)}`,
      subject: file,
      cause: error,
    });
  }
}

/** One `ERR_CONFIG` for what would be wrong. Lines would be those of a file that nobody has. */
function wouldBreak(problems: readonly Problem[]): BrokerError {
  const shapes = problems.map(({ path, message, hint }) => ({
    code: 'ERR_CONFIG' as const,
    message: `${formatPath(path)}: ${message}`,
    hint: hint ?? 'nothing was changed; every key: mcp config schema',
  }));
  const [first] = shapes;
  return new BrokerError('ERR_CONFIG', shapes.map(({ message }) => message).join('; '), {
    hint: first?.hint,
    problems: shapes.slice(0, 20),
  });
}

/** An entry with a password in it is readable for the earlier tool's sake; none is added. */
function requireNoSecret(before: readonly ErrorShape[], after: readonly ErrorShape[]): void {
  if (after.length <= before.length) return;
  const known = new Set(before.map(({ subject }) => subject));
  const added = after.find(({ subject }) => !known.has(subject)) ?? after[0];
  throw new BrokerError('ERR_CONFIG', 'no value in this file is ever a secret', {
    hint: added?.hint,
    subject: added?.subject,
  });
}
