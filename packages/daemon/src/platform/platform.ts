/**
 * What Node does not offer and the kernel does. One file for each platform implements it: linux.ts is
 * tested, darwin.ts is written from documentation and untested.
 */
export interface Platform {
  /** Of the process at the other end when it connected. */
  peerCredentials(fd: number): { readonly pid: number; readonly uid: number };
  /**
   * The process that connected, to be asked later whether it has ended: its pid may be another's by then.
   * Undefined where the kernel does not offer it (Linux before 6.5, macOS), and when as many are held as
   * descriptors are left for; then the start time has to tell.
   */
  holdPeer(fd: number, pid: number): HeldProcess | undefined;
  /**
   * Undumpable, no core files, memory lock limit raised as far as it may be; large pieces of memory leave
   * the process when they are freed. Throws when it cannot.
   */
  harden(): void;
  /** Takes an exclusive lock on an open file without waiting. False: someone else holds it. */
  tryLock(fd: number): boolean;
  /** Start time of a process in the kernel's own unit, or undefined when there is no such process. */
  startTime(pid: number): string | undefined;
  /** Facts of a living process that its owner cannot forge by asking. */
  process(pid: number): ProcessFacts | undefined;
  /** Where the process is that has this pid now; undefined as in its facts, or when there is none. */
  workingDirectory(pid: number): string | undefined;
  /**
   * The environment that a process was started with names this variable. False also where the kernel
   * does not let us look: best effort.
   */
  hasVariable(pid: number, name: string): boolean;
  /** Undefined where the kernel does not say. All processes share them where there are none. */
  namespaces(pid: number): Namespaces | undefined;
  /** Path in the unified hierarchy of control groups, as /proc/PID/cgroup has it; undefined without. */
  controlGroup(pid: number): string | undefined;
  /** Of a Unix stream socket that listens; undefined for any other descriptor. */
  listeningPath(fd: number): string | undefined;
  /** A datagram to the socket of the service manager (sd_notify(3)); best effort. */
  tellServiceManager(socket: string, message: string): void;
  /** How many files and sockets this process may have open. */
  descriptorLimit(): number;
  /** Bytes of this process that the kernel keeps out of swap; null where it does not say. */
  lockedMemory(): number | null;
}

/** One process for ever, whoever gets its pid. */
export interface HeldProcess {
  readonly ended: boolean;
  /** Frees what the kernel keeps for it; whoever got it lets go of it once. */
  release(): void;
}

/** Which of each kind a process runs in: an opaque name. */
export interface Namespaces {
  readonly user: string;
  readonly pid: string;
  readonly mount: string;
}

export interface ProcessFacts {
  readonly parent: number;
  readonly startTime: string;
  readonly hasTerminal: boolean;
  /** It is the first process of a session that bears its pid. */
  readonly leadsSession: boolean;
  /** Of its program, unless the process has given itself another: a claim. Cut off by the kernel. */
  readonly name: string;
  readonly workingDirectory: string | undefined;
}

/** So many descriptors stay for files and for connections that we make. */
const spareDescriptors = 256;

/** What each kind may take at most, so that none takes the last ones from the others. */
export function descriptorShares(limit: number): {
  readonly processes: number;
  readonly connections: number;
} {
  const processes = Math.floor(limit / 3);
  return { processes, connections: Math.max(1, limit - processes - spareDescriptors) };
}
