import { closeSync } from 'node:fs';
import { openLibc } from './libc.ts';
import type { Platform } from './platform.ts';
import {
  hasVariable,
  readControlGroup,
  readLockedMemory,
  readNamespaces,
  readStat,
  readWorkingDirectory,
} from './proc.ts';

// From <asm-generic/socket.h>, <linux/prctl.h>, <asm-generic/resource.h>, <asm-generic/errno.h>.
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;
const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;
const RLIMIT_MEMLOCK = 8;
const EWOULDBLOCK = 11;
const ENOPROTOOPT = 92;
const POLLIN = 1;

/** The kernel of Linux through the C library and /proc. */
export function createLinuxPlatform(): Platform {
  const libc = openLibc(EWOULDBLOCK);
  const prctl = libc.declare(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  const getsockopt = libc.declare('int getsockopt(int, int, int, void *, void *)');
  const poll = libc.declare('int poll(void *, unsigned long, int)');
  return {
    peerCredentials(fd) {
      // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
      const ucred = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
      return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4) };
    },
    peerEnded(fd) {
      const pidfd = Buffer.alloc(4);
      const length = Buffer.from([4, 0, 0, 0]);
      if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, pidfd, length) !== 0) {
        // Of a process that has gone the kernel gives none.
        return libc.errno() !== ENOPROTOOPT;
      }
      // struct pollfd { int fd; short events; short revents; }: readable once the process has ended.
      const polled = Buffer.alloc(8);
      pidfd.copy(polled);
      polled.writeInt16LE(POLLIN, 4);
      try {
        return poll(polled, 1, 0) !== 0;
      } finally {
        closeSync(pidfd.readInt32LE());
      }
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
      const { parent, startTime, hasTerminal, session } = before;
      const name = Buffer.from(before.name, 'latin1').toString();
      return {
        parent,
        startTime,
        hasTerminal,
        leadsSession: session === pid,
        name,
        workingDirectory,
      };
    },
    hasVariable: (pid, name) => hasVariable(pid, name),
    namespaces: readNamespaces,
    controlGroup: readControlGroup,
    lockedMemory: readLockedMemory,
  };
}
