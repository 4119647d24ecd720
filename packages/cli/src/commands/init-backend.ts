import { BrokerError } from '@mcp-broker/daemon/protocol';

import { configuredBackend, hasIdentityFile, isLentIdentity, keySource } from './look-around.ts';
import type { Session } from './session.ts';

export interface InitInput {
  /** Ask nothing. */
  readonly yes: boolean;
  /** As typed; undefined: the keychain where it works. */
  readonly backend: string | undefined;
  /** The descriptor that gives the new passphrase; undefined: the terminal. */
  readonly fd: number | undefined;
  /** An identity that is there already and takes no passphrase. */
  readonly identityFile: string | undefined;
}

export interface Choice {
  readonly backend: 'keychain' | 'sealed';
  /** It was not asked for in so many words: the other one will do. */
  readonly isOpen: boolean;
  /** For a person. */
  readonly why: string;
  /** The keys of this home come from the keychain already. */
  readonly isOnKeychain: boolean;
}

/** Where the keys and the secrets of this home are to be: what was asked for, is there, or may be tried. */
export async function chooseBackend(input: InitInput, session: Session): Promise<Choice> {
  const asked = askedFor(input);
  const source = keySource(session);
  const isOnKeychain = source === 'keychain';
  const choice = (backend: Choice['backend'], why: string): Choice => ({
    backend,
    why,
    isOpen: false,
    isOnKeychain,
  });

  if (asked !== undefined) {
    if (asked.backend === 'keychain' && source === 'sealed') throw onSealedFile(session);
    return choice(asked.backend, asked.why);
  }
  if (source !== undefined) return choice(source, 'this home has its keys there');
  if (hasIdentityFile(session)) {
    return choice('sealed', `${session.paths.config} names an identity file`);
  }
  if (await isLentIdentity(session)) return choice('sealed', 'its daemon was given an identity');
  const configured = configuredBackend(session);
  if (configured === 'sealed') return choice('sealed', `${session.paths.config} says so`);
  if (configured === 'keychain') return choice('keychain', `${session.paths.config} says so`);
  return { ...choice('keychain', 'it works here'), isOpen: true };
}

/** Before anything is looked at. */
export function checkBackend({ backend, fd, identityFile }: InitInput): void {
  if (backend !== undefined && backend !== 'keychain' && backend !== 'sealed') {
    throw new BrokerError('ERR_USAGE', '--backend takes sealed or keychain', {
      hint: 'mcp init, which takes the keychain where it works',
    });
  }
  if (backend === 'keychain' && (fd !== undefined || identityFile !== undefined)) {
    throw new BrokerError(
      'ERR_USAGE',
      'a home on the keychain takes no passphrase and no identity',
      {
        hint: 'mcp init --backend keychain',
      },
    );
  }
}

function askedFor({
  backend,
  fd,
  identityFile,
}: InitInput): Pick<Choice, 'backend' | 'why'> | undefined {
  if (backend === 'keychain' || backend === 'sealed') {
    return { backend, why: '--backend asks for it' };
  }
  if (identityFile !== undefined) return { backend: 'sealed', why: 'an identity file was given' };
  return fd === undefined ? undefined : { backend: 'sealed', why: 'a passphrase was given' };
}

function onSealedFile({ paths }: Session): BrokerError {
  return new BrokerError('ERR_USAGE', `the keys of ${paths.home} come from its sealed file`, {
    hint: 'its values may lie in the keychain all the same: mcp secret set NAME --backend keychain',
  });
}
