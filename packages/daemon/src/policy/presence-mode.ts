export type PresenceMode = 'terminal' | 'passphrase';

/**
 * What proves that a person is there. Asking for more counts at once; asking for less, from the moment
 * that somebody has given the passphrase: a config file that is changed behind a person's back relaxes
 * nothing.
 */
export interface PresencePolicy {
  readonly mode: PresenceMode;
  /** The config now says so. */
  configure(mode: PresenceMode): void;
  /** The passphrase was given. */
  proven(): void;
}

export function createPresencePolicy(initial: PresenceMode): PresencePolicy {
  let configured = initial;
  let mode = initial;
  return {
    get mode() {
      return mode;
    },
    configure(next) {
      configured = next;
      if (next === 'passphrase') mode = next;
    },
    proven() {
      mode = configured;
    },
  };
}
