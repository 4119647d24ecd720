import { darwin } from './darwin.ts';
import { linux } from './linux.ts';
import type { KeychainProblem } from './problem.ts';
import type { SystemKeychain } from './system-keychain.ts';
import { windows } from './windows.ts';

export function systemKeychain(platform: NodeJS.Platform = process.platform): SystemKeychain {
  if (platform === 'darwin') return darwin;
  return platform === 'win32' ? windows : linux;
}

/** Of an error of the library, which never leaves the helper. */
export function problemOf(error: unknown, system: SystemKeychain): KeychainProblem {
  const text = error instanceof Error ? error.message : '';
  return system.problems.find(([, pattern]) => pattern.test(text))?.[0] ?? 'failed';
}
