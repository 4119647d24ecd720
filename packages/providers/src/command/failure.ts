import { BrokerError } from '../errors.ts';
import type { ToolRun } from './run-tool.ts';
import type { CommandSettings, ToolOperation } from './tool.ts';

/** What a run that did not do what it was asked to is told as. `said`: its stderr, masked. */
export function failure(
  backend: string,
  operation: ToolOperation,
  settings: CommandSettings,
  { exit, signal, ended }: ToolRun,
  said: string | undefined,
): BrokerError {
  if (ended === 'timeout') {
    const seconds = Math.round(settings.timeoutMs / 1000);
    return unavailable(backend, operation, `did not end within ${seconds} s`, said, true);
  }
  if (ended === 'too long') {
    return unavailable(backend, operation, 'printed more than it may', undefined);
  }
  if (exit === null)
    return unavailable(backend, operation, `was ended by ${signal ?? 'a signal'}`, said);
  if (settings.deniedExit.includes(exit)) {
    return new BrokerError(
      'ERR_BACKEND_DENIED',
      message(backend, operation, `refused, with exit status ${exit}`, said),
      { hint: 'correct our rights in that store, with its own tool' },
    );
  }
  if (exit === 126 || exit === 127) {
    const what = `something that it runs cannot be run or was not found (exit status ${exit})`;
    return new BrokerError(
      'ERR_BACKEND_UNAVAILABLE',
      message(backend, operation, `: ${what}`, said),
      {
        hint: 'it finds programs by settings.path of config.yaml alone',
      },
    );
  }
  return unavailable(backend, operation, `failed with exit status ${exit}`, said);
}

export function unavailable(
  backend: string,
  operation: ToolOperation,
  what: string,
  said: string | undefined,
  retryable = false,
): BrokerError {
  return new BrokerError('ERR_BACKEND_UNAVAILABLE', message(backend, operation, what, said), {
    hint: `try that command by hand; what its exit status means: docs/command-backends.md`,
    retryable,
  });
}

function message(
  backend: string,
  operation: ToolOperation,
  what: string,
  said: string | undefined,
): string {
  const text = `the ${operation} command of backend ${backend}${what.startsWith(':') ? '' : ' '}${what}`;
  return said === undefined ? text : `${text}: ${said}`;
}
