/**
 * What Node does not offer and the kernel does. One file for each platform implements it: linux.ts is
 * tested, darwin.ts is written from documentation and untested.
 */
export interface Platform {
  /** Of the process at the other end when it connected. */
  peerCredentials(fd: number): { readonly pid: number; readonly uid: number };
  /**
   * The process that connected has ended: its pid may be another's. False also where the kernel does
   * not tell (Linux before 6.5, macOS); then the start time alone has to.
   */
  peerEnded(fd: number): boolean;
  /** Undumpable, no core files, memory lock limit raised as far as it may be. Throws when it cannot. */
  harden(): void;
  /** Takes an exclusive lock on an open file without waiting. False: someone else holds it. */
  tryLock(fd: number): boolean;
  /** Start time of a process in the kernel's own unit, or undefined when there is no such process. */
  startTime(pid: number): string | undefined;
  /** Facts of a living process that its owner cannot forge by asking. */
  process(pid: number): ProcessFacts | undefined;
  /**
   * The environment that a process was started with names this variable. False also where the kernel
   * does not let us look: best effort.
   */
  hasVariable(pid: number, name: string): boolean;
  /** Undefined where the kernel does not say. All processes share them where there are none. */
  namespaces(pid: number): Namespaces | undefined;
  /** Path in the unified hierarchy of control groups, as /proc/PID/cgroup has it; undefined without. */
  controlGroup(pid: number): string | undefined;
  /** Bytes of this process that the kernel keeps out of swap; null where it does not say. */
  lockedMemory(): number | null;
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
