export type PresenceMode = 'terminal' | 'passphrase';

/**
 * What proves that a person is there. A config that asks for more counts at once. One that asks for
 * less counts when the daemon starts anew, and is locked: a file that is changed behind a person's back
 * relaxes nothing, and neither does an unlock, since an identity file can be changed as well.
 */
export interface PresencePolicy {
  readonly mode: PresenceMode;
  /** The config now says so. */
  configure(mode: PresenceMode): void;
}

export function createPresencePolicy(initial: PresenceMode): PresencePolicy {
  let mode = initial;
  return {
    get mode() {
      return mode;
    },
    configure(next) {
      if (next === 'passphrase') mode = next;
    },
  };
}
