import { watch } from 'node:fs';
import { dirname } from 'node:path';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { requireHome } from './home.ts';
import { json } from '../output/terminal.ts';
import { createLineReader, lastOf, type LineReader } from './line-reader.ts';
import type { Session } from './session.ts';

export interface TailInput {
  readonly lines: number;
  /** Go on with what is written from now on, until a signal ends the process. */
  readonly follow: boolean;
}

export async function showLogs({ lines, follow }: TailInput, session: Session): Promise<number> {
  const { output } = session;
  const reader = openLog(session);
  const print = (line: string): void => {
    output.line(output.json ? json({ line }) : line);
  };
  for (const line of lastOf(reader.read(), lines)) print(line);
  if (!follow) {
    reader.close();
    return 0;
  }
  const { promise, reject } = Promise.withResolvers<never>();
  const proceed = (): void => {
    for (const line of reader.read()) print(line);
  };
  // The folder and not the file, so that a log begun anew is followed too.
  watch(dirname(session.paths.log), proceed).on('error', reject);
  proceed();
  return promise;
}

function openLog({ paths }: Session): LineReader {
  try {
    return createLineReader(paths.log);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    requireHome(paths.home);
    throw new BrokerError('ERR_NOT_FOUND', `there is no log ${paths.log}`, {
      hint: 'mcp daemon start',
      cause: error,
    });
  }
}
