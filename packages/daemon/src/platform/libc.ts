import { endianness } from 'node:os';
import { BrokerError } from '@mcp-broker/providers/errors';
import { loadKoffi } from './koffi.ts';

/** A list is an array of C strings, with null as its end. */
export type CValue = number | Buffer | string | readonly (string | null)[];

/** The calls into the C library that every Unix spells alike. Integers of the C ABI are `int`. */
export interface Libc {
  /** The option's bytes, as many as the kernel wrote. */
  getsockopt(fd: number, level: number, option: number, size: number): Buffer;
  /** Soft and hard limit. */
  getrlimit(resource: number): readonly [bigint, bigint];
  setrlimit(resource: number, limits: readonly [bigint, bigint]): void;
  /** False: someone else holds the lock. */
  tryLock(fd: number): boolean;
  /** A function of this process by its C prototype; for what one platform has alone. */
  declare(prototype: string): (...values: readonly CValue[]) => number;
  /** Of the last call that failed. */
  errno(): number;
  /** What to throw after a call that failed. */
  failure(call: string): BrokerError;
}

const lockExclusive = 2;
const lockNonBlocking = 4;

/** @param wouldBlock This platform's EWOULDBLOCK. */
export function openLibc(wouldBlock: number): Libc {
  if (endianness() !== 'LE') {
    throw new BrokerError('ERR_CONFIG', 'this processor is big-endian', {
      hint: 'run the broker on a little-endian machine, such as x86-64 or arm64',
    });
  }
  const koffi = loadKoffi();
  // Null: this process itself, which has a C library loaded whatever its file is called.
  const library = koffi.load(null);
  const declare: Libc['declare'] = (prototype) => library.func(prototype);
  const getsockopt = declare('int getsockopt(int, int, int, void *, void *)');
  const getrlimit = declare('int getrlimit(int, void *)');
  const setrlimit = declare('int setrlimit(int, void *)');
  const flock = declare('int flock(int, int)');
  const failure: Libc['failure'] = (call) =>
    new BrokerError('ERR_INTERNAL', `${call} failed with error ${koffi.errno()}`, {
      hint: 'this system refuses a call that the daemon cannot do without: see docs/errors.md',
    });

  return {
    getsockopt(fd, level, option, size) {
      const value = Buffer.alloc(size);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(size);
      if (getsockopt(fd, level, option, value, length) !== 0) throw failure('getsockopt');
      return value.subarray(0, length.readUInt32LE());
    },
    getrlimit(resource) {
      const limits = Buffer.alloc(16);
      if (getrlimit(resource, limits) !== 0) throw failure('getrlimit');
      return [limits.readBigUInt64LE(0), limits.readBigUInt64LE(8)];
    },
    setrlimit(resource, [soft, hard]) {
      const limits = Buffer.alloc(16);
      limits.writeBigUInt64LE(soft, 0);
      limits.writeBigUInt64LE(hard, 8);
      if (setrlimit(resource, limits) !== 0) throw failure('setrlimit');
    },
    tryLock(fd) {
      if (flock(fd, lockExclusive | lockNonBlocking) === 0) return true;
      if (koffi.errno() === wouldBlock) return false;
      throw failure('flock');
    },
    declare,
    errno: () => koffi.errno(),
    failure,
  };
}
