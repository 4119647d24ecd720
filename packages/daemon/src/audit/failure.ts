import { BrokerError } from '@mcp-broker/providers/errors';
import { errorCode } from './own-file.ts';

const hints: Readonly<Record<string, (folder: string) => string>> = {
  ENOSPC: (folder) => `make room: df -h ${folder}`,
  EDQUOT: (folder) => `make room: df -h ${folder}`,
  EROFS: (folder) => `mount it for writing: findmnt -T ${folder}`,
  EIO: () => 'the disk fails: dmesg | tail',
};

/** One error for all that can go wrong, with what to look at. */
export function failure(folder: string, what: 'written' | 'read', error: unknown): BrokerError {
  const ours = error instanceof BrokerError ? error : undefined;
  const code = errorCode(error) ?? 'unknown error';
  const reason = ours?.message ?? (typeof error === 'string' ? error : code);
  return new BrokerError('ERR_AUDIT', `the audit log cannot be ${what}: ${reason}`, {
    hint: ours?.hint ?? hints[code]?.(folder) ?? `ls -la ${folder}`,
    subject: folder,
    retryable: true,
    cause: error,
  });
}
