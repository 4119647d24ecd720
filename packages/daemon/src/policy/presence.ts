import { BrokerError } from '@mcp-broker/providers/errors';
import type { Keyring } from '../keys/keyring.ts';
import type { Connection, Context } from '../listener/handler.ts';
import type { Platform } from '../platform/platform.ts';
import type { Codes } from './codes.ts';
import { isLaunched, type Launches } from './launches.ts';
import { createPresencePolicy, type PresenceMode, type PresencePolicy } from './presence-mode.ts';

/**
 * Whether a person is there who decides. A subject is exactly what is decided on, such as a fingerprint
 * or `reveal:NAME`: what proves one subject is of no use for another. Every refusal is `ERR_PRESENCE`
 * (a passphrase has its own errors), and whoever asked writes it to the audit.
 *
 * Two ways are known: a code that is typed on the terminal that shows the subject, and the passphrase
 * of the sealed file. Further ones (polkit, Touch ID, a hardware key) are further members of `Proof`.
 */
export interface Presence extends PresencePolicy {
  /** Begins on a terminal: a code for this subject, to be typed once on this connection. */
  open(context: Asking, subject: string): string;
  /** Ends what `open` began, or takes the passphrase alone. Wipes nothing. */
  prove(context: Asking, subject: string, proof: Proof): Promise<void>;
  /** No server that was launched here, nor what it started; a terminal is not asked for. */
  requireNoLaunch(context: Pick<Context, 'peer'>): void;
}

export interface Asking extends Pick<Context, 'peer'> {
  readonly connection: Pick<Connection, 'id'>;
}

export interface Proof {
  /** As it was typed. */
  readonly code?: string | undefined;
  /** Counts without a code. */
  readonly passphrase?: Uint8Array | undefined;
}

export interface PresenceOptions {
  readonly platform: Platform;
  readonly launches: Launches;
  readonly codes: Codes;
  readonly keyring: Pick<
    Keyring,
    'source' | 'hasIdentityFile' | 'hasPassphrase' | 'checkPassphrase'
  >;
  readonly mode: PresenceMode;
}

export function createPresence(options: PresenceOptions): Presence {
  const { platform, launches, codes, keyring } = options;
  const policy = createPresencePolicy(options.mode);

  const requireNoLaunch: Presence['requireNoLaunch'] = ({ peer }) => {
    if (!isLaunched(peer, platform, launches)) return;
    throw new BrokerError('ERR_PRESENCE', 'a server that was launched here cannot do this', {
      hint: 'type it in a terminal of your own',
    });
  };

  /** Best effort: a determined program can make a terminal of its own. */
  const requireTerminal = ({ peer }: Asking): void => {
    if (platform.process(peer.pid)?.hasTerminal !== true) {
      throw new BrokerError('ERR_PRESENCE', 'this needs a person at a terminal', {
        hint: 'type it in a terminal, or give the passphrase of the sealed file with --fd N',
      });
    }
    if (policy.mode === 'passphrase') {
      if (keyring.source === 'keychain' && !keyring.hasPassphrase) throw noSealedFile();
      throw new BrokerError('ERR_PRESENCE', 'settings.presence asks for the passphrase', {
        hint: 'add --fd N to the command, with the passphrase of the sealed file on descriptor N',
      });
    }
  };

  return {
    get mode() {
      return policy.mode;
    },
    configure: (mode) => {
      policy.configure(mode);
    },
    requireNoLaunch,
    open(context, subject) {
      requireNoLaunch(context);
      requireTerminal(context);
      return codes.issue(subject, context.connection.id);
    },
    async prove(context, subject, { code, passphrase }) {
      requireNoLaunch(context);
      if (code !== undefined) {
        requireTerminal(context);
        codes.check(subject, context.connection.id, code);
      } else if (passphrase === undefined) {
        throw new BrokerError('ERR_PRESENCE', 'the code or the passphrase is missing', {
          hint: 'type the command in a terminal, or give the passphrase with --fd N',
        });
      } else if (keyring.hasIdentityFile) {
        throw new BrokerError('ERR_PRESENCE', 'this home has an identity file and no passphrase', {
          hint: 'type the command in a terminal, without --fd',
        });
      } else if (!keyring.hasPassphrase) {
        throw policy.mode === 'passphrase'
          ? noSealedFile()
          : new BrokerError('ERR_PRESENCE', 'this home is on the keychain and has no passphrase', {
              hint: 'type the command in a terminal, without --fd',
            });
      } else {
        await keyring.checkPassphrase(passphrase);
      }
    },
  };
}

function noSealedFile(): BrokerError {
  return new BrokerError(
    'ERR_CONFIG',
    'settings.presence: passphrase needs a sealed file, and this home is on the keychain alone',
    { hint: 'mcp init --backend sealed makes one; or remove the setting, then mcp daemon restart' },
  );
}
