import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { BrokerError } from '@mcp-broker/daemon/protocol';

/**
 * Says that this process sets the home up, so that another one neither mixes its keys in nor takes a
 * half-made home away; gives the release. What a process left that is gone is taken over. Throws
 * `ERR_USAGE` while another process has it.
 */
export function lockSetUp(home: string): () => void {
  const file = join(home, 'init.lock');
  if (!create(file)) {
    if (isHeld(file)) throw busy(home);
    rmSync(file, { force: true });
    if (!create(file)) throw busy(home);
  }
  return () => {
    rmSync(file, { force: true });
  };
}

function create(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(fd, String(process.pid));
  closeSync(fd);
  return true;
}

/** Also while nothing is in it yet: whoever made it is about to write. */
function isHeld(file: string): boolean {
  try {
    const pid = readFileSync(file, 'utf8');
    return pid === '' || process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function busy(home: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${home} is being set up by another process`, {
    hint: `wait for it; if there is none: rm ${join(home, 'init.lock')}`,
  });
}
