import { BrokerError } from '../errors.ts';

/** What can be the matter with the keychain of this system, as its helper tells it: never a text of it. */
export type KeychainProblem =
  /** There is no session bus, or nobody answers on it. */
  | 'no-bus'
  /** Nobody on the session bus keeps secrets. */
  | 'no-keychain'
  /** It has to be unlocked by a person first. */
  | 'locked'
  /** It was there and did not answer within the time limit; perhaps a dialog is open. */
  | 'silent'
  /** It answers, and cannot serve. */
  | 'failed'
  /** It was not waited for: the home was locked, or its daemon has ended. */
  | 'closed'
  /** Several items match one name: another program has written one of them. */
  | 'ambiguous'
  /** The value or the name is longer than it can hold. */
  | 'too-long'
  /** The library has no binary for this machine. */
  | 'no-library';

export const keychainProblems: readonly KeychainProblem[] = [
  'no-bus',
  'no-keychain',
  'locked',
  'silent',
  'failed',
  'closed',
  'ambiguous',
  'too-long',
  'no-library',
];

const elsewhere = 'mcp secret set NAME --backend sealed';

/** Locked, absent and unavailable are three errors, each with what helps. */
export function keychainError(problem: KeychainProblem): BrokerError {
  switch (problem) {
    case 'locked':
      return new BrokerError('ERR_LOCKED', 'the keychain is locked', {
        hint: 'unlock it where you log in (on GNOME: seahorse), then try again; docs/keychain.md says how without a desktop',
        retryable: true,
      });
    case 'no-bus':
      return unavailable('there is no session bus, and so no keychain', {
        hint: `set settings.session_bus in config.yaml, or use the sealed file: ${elsewhere}`,
      });
    case 'no-keychain':
      return unavailable('no program on the session bus keeps a keychain', {
        hint: `install one (apt install gnome-keyring), or use the sealed file: ${elsewhere}`,
      });
    case 'silent':
      return unavailable('the keychain did not answer in time', {
        hint: 'answer its dialog if one is open, then try again; else: mcp status',
        retryable: true,
      });
    case 'closed':
      return new BrokerError('ERR_LOCKED', 'the home was locked before the keychain answered', {
        hint: 'mcp unlock',
        retryable: true,
      });
    case 'ambiguous':
      return unavailable('several items of the keychain have the same name', {
        hint: 'remove those that are not ours with the tool of the keychain (on GNOME: seahorse)',
      });
    case 'too-long':
      return new BrokerError('ERR_VALUE', 'the value is longer than the keychain can hold', {
        hint: `use the sealed file: ${elsewhere}`,
      });
    case 'no-library':
      return unavailable('the library for the keychain has no binary for this machine', {
        hint: `use the sealed file: ${elsewhere}`,
      });
    case 'failed':
      break;
  }
  return unavailable('the keychain cannot serve', {
    hint: 'try again; if it stays so, restart the keychain, or log in anew',
    retryable: true,
  });
}

function unavailable(
  message: string,
  { hint, retryable = false }: { readonly hint: string; readonly retryable?: boolean },
): BrokerError {
  return new BrokerError('ERR_BACKEND_UNAVAILABLE', message, { hint, retryable });
}

export function notWaitedFor(): BrokerError {
  return new BrokerError('ERR_ABORTED', 'the keychain was not waited for', { hint: 'try again' });
}

/** Which of them an error tells that may have come over the socket; undefined: none. */
export function keychainProblemOf({
  message,
}: Pick<BrokerError, 'message'>): KeychainProblem | undefined {
  return keychainProblems.find((problem) => keychainError(problem).message === message);
}
