import { openLibc } from './libc.ts';
import type { Platform } from './platform.ts';
import { hasVariable, readLockedMemory, readStat, readWorkingDirectory } from './proc.ts';

// From <asm-generic/socket.h>, <linux/prctl.h>, <asm-generic/resource.h>, <asm-generic/errno.h>.
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;
const RLIMIT_MEMLOCK = 8;
const EWOULDBLOCK = 11;

/** The kernel of Linux through the C library and /proc. */
export function createLinuxPlatform(): Platform {
  const libc = openLibc(EWOULDBLOCK);
  const prctl = libc.declare(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  return {
    peerCredentials(fd) {
      // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
      const ucred = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
      return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4) };
    },
    harden() {
      if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0) throw libc.failure('prctl');
      libc.setrlimit(RLIMIT_CORE, [0n, 0n]);
      const [, hard] = libc.getrlimit(RLIMIT_MEMLOCK);
      libc.setrlimit(RLIMIT_MEMLOCK, [hard, hard]);
    },
    tryLock: (fd) => libc.tryLock(fd),
    startTime: (pid) => readStat(pid)?.startTime,
    process(pid) {
      const before = readStat(pid);
      if (before === undefined) return undefined;
      const workingDirectory = readWorkingDirectory(pid);
      // Between the two readings the pid may have gone to another process.
      if (readStat(pid)?.startTime !== before.startTime) return undefined;
      return { ...before, workingDirectory };
    },
    hasVariable,
    lockedMemory: readLockedMemory,
  };
}
