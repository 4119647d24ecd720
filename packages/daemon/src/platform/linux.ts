import { createHeldProcesses } from './held-processes.ts';
import { openLibc } from './libc.ts';
import { createListeningPath, createTellServiceManager } from './linux-sockets.ts';
import { descriptorShares, type Platform } from './platform.ts';
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
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;
const EWOULDBLOCK = 11;
const ENOPROTOOPT = 92;
// From <malloc.h>.
const M_MMAP_THRESHOLD = -3;
const EINTR = 4;
const EMFILE = 24;

/**
 * Bytes from which a piece of memory has pages of its own, which go back when it is freed. By itself glibc
 * raises this to what was freed last, and after a sealed file of megabytes the process stays as large as that.
 */
const largePiece = 64 * 1024;

/** The kernel of Linux through the C library and /proc. */
export function createLinuxPlatform(): Platform {
  const libc = openLibc(EWOULDBLOCK);
  const prctl = libc.declare(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  const getsockopt = libc.declare('int getsockopt(int, int, int, void *, void *)');
  const poll = libc.declare('int poll(void *, unsigned long, int)');
  const giveLargePiecesBack = (): void => {
    try {
      libc.declare('int mallopt(int, int)')(M_MMAP_THRESHOLD, largePiece);
    } catch {
      // Another C library than glibc: it has no such call, and does so by itself.
    }
  };

  const descriptorLimit = (): number => Number(libc.getrlimit(RLIMIT_NOFILE)[0]);

  const option = Buffer.alloc(4);
  const optionLength = Buffer.alloc(4);
  const holdPeer = createHeldProcesses(
    {
      peerPidfd(fd) {
        optionLength.writeInt32LE(4);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, option, optionLength) === 0) {
          return option.readInt32LE();
        }
        // Of a process that has gone the kernel gives none.
        const reason = libc.errno();
        return reason === ENOPROTOOPT || reason === EMFILE ? 'unknown' : 'ended';
      },
      poll(pollfd) {
        for (;;) {
          const ready = poll(pollfd, 1, 0);
          if (ready >= 0) return ready;
          // A signal may come in between.
          if (libc.errno() !== EINTR) throw libc.failure('poll');
        }
      },
    },
    descriptorShares(descriptorLimit()).processes,
  );

  return {
    peerCredentials(fd) {
      // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
      const ucred = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
      return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4) };
    },
    holdPeer,
    harden() {
      giveLargePiecesBack();
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
    workingDirectory: readWorkingDirectory,
    hasVariable: (pid, name) => hasVariable(pid, name),
    namespaces: readNamespaces,
    controlGroup: readControlGroup,
    listeningPath: createListeningPath(libc),
    tellServiceManager: createTellServiceManager(libc),
    descriptorLimit,
    lockedMemory: readLockedMemory,
  };
}
