/**
 * Every error that a user can meet. A message is lower case, has no full stop, names the thing and
 * never holds a value; a hint is a command to type or a file to edit. Both may be shown and sent.
 */

/** The stable codes and the exit status each stands for; docs/errors.md says when, and what to do. */
export const exitCodes = {
  /** The command line or a request does not make sense. */
  ERR_USAGE: 64,
  /** A reference stands in an argument, where every process can read what replaces it. */
  ERR_REFERENCE_IN_ARGUMENT: 64,
  /** No backend holds the variable. */
  ERR_UNKNOWN_VARIABLE: 66,
  /** A named file, server, request or other thing does not exist. */
  ERR_NOT_FOUND: 66,
  /** The daemon does not run and could not be started, or went away. */
  ERR_DAEMON_UNREACHABLE: 69,
  /** The socket belongs to someone else, or what answers on it is not our daemon. */
  ERR_FOREIGN_SOCKET: 69,
  /** The two sides speak different versions of the protocol, or one broke its rules. */
  ERR_PROTOCOL: 69,
  /** A backend cannot be reached or cannot serve. */
  ERR_BACKEND_UNAVAILABLE: 69,
  /** A backend asks for fewer requests. */
  ERR_BACKEND_THROTTLED: 69,
  /** The audit log cannot be written, so nothing is given out. */
  ERR_AUDIT: 69,
  /** The request was cancelled or ran past its deadline. */
  ERR_ABORTED: 69,
  /** A bug of ours. */
  ERR_INTERNAL: 70,
  /** The sealed file or the keychain is locked. */
  ERR_LOCKED: 75,
  /** No grant covers this launch yet. */
  ERR_NOT_APPROVED: 77,
  /** Refused, and asking again will not help. */
  ERR_DENIED: 77,
  /** A person has to do this, and none was seen. */
  ERR_PRESENCE: 77,
  /** The passphrase is wrong. */
  ERR_PASSPHRASE: 77,
  /** The program on disk is not the one that was approved. */
  ERR_CHANGED: 77,
  /** A backend knows the caller and refuses. */
  ERR_BACKEND_DENIED: 77,
  /** A backend does not accept our credential. */
  ERR_BACKEND_UNAUTHENTICATED: 77,
  /** config.yaml is not valid. */
  ERR_CONFIG: 78,
  /** A file or folder has the wrong mode, owner or kind. */
  ERR_INSECURE_FILE: 78,
  /** The path of the socket is too long for the kernel. */
  ERR_PATH_TOO_LONG: 78,
  /** The home has not been set up. */
  ERR_NO_HOME: 78,
  /** A stored file is damaged or not in its format. */
  ERR_CORRUPT: 78,
  /** The value cannot stand in an environment: a NUL, not text, or too long. */
  ERR_VALUE: 78,
  /** A test, rotation or check that the command was asked to do failed. */
  ERR_CHECK_FAILED: 1,
  /** The command is not executable. */
  ERR_NOT_EXECUTABLE: 126,
  /** The command was not found. */
  ERR_COMMAND_NOT_FOUND: 127,
} as const;

export type ErrorCode = keyof typeof exitCodes;

/** What an error may carry across the socket and onto a screen: nothing else ever does. */
export interface ErrorShape {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** The variable or other thing that this error is about. */
  readonly subject?: string;
  readonly retryable?: boolean;
  /** The single errors that this one sums up, in the order of the request. */
  readonly problems?: readonly ErrorShape[];
}

export interface BrokerErrorOptions {
  readonly hint?: string | undefined;
  readonly subject?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly problems?: readonly ErrorShape[] | undefined;
  /** Kept for a debugger; never printed, sent or audited. */
  readonly cause?: unknown;
}

export class BrokerError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly subject: string | undefined;
  readonly retryable: boolean;
  readonly problems: readonly ErrorShape[];

  constructor(code: ErrorCode, message: string, options: BrokerErrorOptions = {}) {
    super(message);
    this.name = 'BrokerError';
    this.code = code;
    this.hint = options.hint;
    this.subject = options.subject;
    this.retryable = options.retryable ?? false;
    this.problems = options.problems ?? [];
    // Behind a getter, so that neither JSON nor `inspect` (which shows even a hidden cause) walks into
    // an SDK's error.
    Object.defineProperty(this, 'cause', { get: () => options.cause, enumerable: false });
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }

  /** What may leave the process. */
  toShape(): ErrorShape {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.subject === undefined ? {} : { subject: this.subject }),
      ...(this.retryable ? { retryable: true } : {}),
      ...(this.problems.length === 0 ? {} : { problems: this.problems }),
    };
  }

  static fromShape(shape: ErrorShape): BrokerError {
    return new BrokerError(shape.code, shape.message, shape);
  }
}

/** Of several failures the one that a person has to deal with first. */
const precedence: readonly number[] = [64, 75, 66, 77, 69, 78];

/**
 * One error for all that failed. Its code is that of the failure with precedence (locked before
 * unknown before refused before unreachable), its message names every subject.
 */
export function combineErrors(errors: readonly BrokerError[]): BrokerError {
  const [first, ...rest] = [...errors].sort((a, b) => rank(a) - rank(b));
  if (first === undefined) throw new RangeError('no errors to combine');
  if (rest.length === 0) return first;
  return new BrokerError(first.code, errors.map((error) => error.message).join('; '), {
    hint: first.hint,
    retryable: errors.every((error) => error.retryable),
    problems: errors.map((error) => error.toShape()),
  });
}

function rank(error: BrokerError): number {
  const index = precedence.indexOf(error.exitCode);
  return index === -1 ? precedence.length : index;
}

/** Any thrown thing as one of ours. What is not a `BrokerError` is a bug, and says nothing else. */
export function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  return new BrokerError('ERR_INTERNAL', 'internal error', {
    hint: 'this is a bug: please report it with the output of `mcp daemon logs`',
    cause: error,
  });
}
