import { openLibc } from './libc.ts';
import type { Platform, ProcessFacts } from './platform.ts';

// Untested: written from <sys/un.h>, <sys/ucred.h>, <sys/proc_info.h>, <libproc.h>, <sys/ptrace.h>
// and <sys/resource.h> of macOS 14. Offsets are those of 64-bit processes.
const SOL_LOCAL = 0;
const LOCAL_PEERCRED = 1;
const LOCAL_PEERPID = 2;
const RLIMIT_CORE = 4;
const RLIMIT_MEMLOCK = 6;
const RLIMIT_NOFILE = 8;
const PT_DENY_ATTACH = 31;
const EWOULDBLOCK = 35;
const PROC_PIDTBSDINFO = 3;
const PROC_PIDVNODEPATHINFO = 9;
/** struct proc_bsdinfo: flags 0, status 4, ppid 16, name 64 to 96, controlling device 108, start s 120 and µs 128. */
const bsdInfoSize = 136;
const zombie = 5;
const noDevice = 0xffff_ffff;
/** struct proc_vnodepathinfo: two vnode_info_path of 152 bytes and a path of 1024; the first is cwd. */
const vnodePathSize = 2352;
const vnodePathOffset = 152;

/** The kernel of macOS through its C library and libproc. */
export function createDarwinPlatform(): Platform {
  const libc = openLibc(EWOULDBLOCK);
  const ptrace = libc.declare('int ptrace(int, int, void *, int)');
  const getsid = libc.declare('int getsid(int)');
  const procPidInfo = libc.declare('int proc_pidinfo(int, int, uint64_t, void *, int)');

  function processFacts(pid: number): Omit<ProcessFacts, 'workingDirectory'> | undefined {
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
    const info = Buffer.alloc(bsdInfoSize);
    if (procPidInfo(pid, PROC_PIDTBSDINFO, 0, info, bsdInfoSize) !== bsdInfoSize) return undefined;
    if (info.readUInt32LE(4) === zombie) return undefined;
    return {
      parent: info.readUInt32LE(16),
      startTime: `${info.readBigUInt64LE(120)}.${info.readBigUInt64LE(128)}`,
      hasTerminal: info.readUInt32LE(108) !== noDevice,
      leadsSession: getsid(pid) === pid,
      name: textOf(info.subarray(64, 96)),
    };
  }

  function workingDirectory(pid: number): string | undefined {
    const info = Buffer.alloc(vnodePathSize);
    if (procPidInfo(pid, PROC_PIDVNODEPATHINFO, 0, info, vnodePathSize) !== vnodePathSize) {
      return undefined;
    }
    return textOf(info.subarray(vnodePathOffset, vnodePathOffset + 1024)) || undefined;
  }

  return {
    peerCredentials(fd) {
      // struct xucred { u_int version; uid_t uid; short ngroups; gid_t groups[16]; }
      const xucred = libc.getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, 76);
      const pid = libc.getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, 4);
      return { pid: pid.readInt32LE(0), uid: xucred.readUInt32LE(4) };
    },
    holdPeer: () => undefined,
    harden() {
      if (ptrace(PT_DENY_ATTACH, 0, Buffer.alloc(0), 0) !== 0) throw libc.failure('ptrace');
      libc.setrlimit(RLIMIT_CORE, [0n, 0n]);
      const [, hard] = libc.getrlimit(RLIMIT_MEMLOCK);
      libc.setrlimit(RLIMIT_MEMLOCK, [hard, hard]);
    },
    tryLock: (fd) => libc.tryLock(fd),
    startTime: (pid) => processFacts(pid)?.startTime,
    process(pid) {
      const facts = processFacts(pid);
      return facts && { ...facts, workingDirectory: workingDirectory(pid) };
    },
    workingDirectory,
    // KERN_PROCARGS2 has it, behind the arguments; not done.
    hasVariable: () => false,
    namespaces: () => ({ user: 'all', pid: 'all', mount: 'all' }),
    controlGroup: () => undefined,
    // launchd hands sockets over by a call of its own; not done.
    listeningPath: () => undefined,
    tellServiceManager: () => undefined,
    descriptorLimit: () => Number(libc.getrlimit(RLIMIT_NOFILE)[0]),
    lockedMemory: () => null,
  };
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
