import { darwin } from './darwin.ts';
import { linux } from './linux.ts';
import type { KeychainProblem } from './problem.ts';
import { windows } from './windows.ts';

/** What differs from system to system. */
export interface SystemKeychain {
  /** Reached over the session bus. */
  readonly needsBus: boolean;
  /** For the library's entries. */
  readonly options: { readonly linux?: { readonly store: 'secret-service' } };
  /** The library has one code for all that fails; its texts tell them apart. The first that fits. */
  readonly problems: readonly (readonly [KeychainProblem, RegExp])[];
}

export function systemKeychain(platform: NodeJS.Platform = process.platform): SystemKeychain {
  if (platform === 'darwin') return darwin;
  return platform === 'win32' ? windows : linux;
}

/** Of an error of the library, which never leaves the helper. */
export function problemOf(error: unknown, system: SystemKeychain): KeychainProblem {
  const text = error instanceof Error ? error.message : '';
  return system.problems.find(([, pattern]) => pattern.test(text))?.[0] ?? 'failed';
}
