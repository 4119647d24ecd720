import type { KeychainProblem } from './problem.ts';

/** What differs from system to system. */
export interface SystemKeychain {
  /** Reached over the session bus. */
  readonly needsBus: boolean;
  /** For the library's entries. */
  readonly options: { readonly linux?: { readonly store: 'secret-service' } };
  /** The library has one code for all that fails; its texts tell them apart. The first that fits. */
  readonly problems: readonly (readonly [KeychainProblem, RegExp])[];
}
