import { BrokerError } from '@mcp-broker/providers/errors';
import { createDarwinPlatform } from './darwin.ts';
import { createLinuxPlatform } from './linux.ts';
import type { Platform } from './platform.ts';

export type { Namespaces, Platform, ProcessFacts } from './platform.ts';

/** This machine's kernel. Throws `ERR_CONFIG` where the daemon does not run. */
export function createPlatform(name: NodeJS.Platform = process.platform): Platform {
  if (name === 'linux') return createLinuxPlatform();
  if (name === 'darwin') return createDarwinPlatform();
  throw new BrokerError('ERR_CONFIG', `the daemon does not run on ${name}`, {
    hint: 'use Linux or macOS; on Windows, WSL 2',
  });
}
