import type { Peer } from '../listener/peer.ts';
import type { Platform, ProcessFacts } from '../platform/platform.ts';

export interface FakeProcess extends Partial<ProcessFacts> {
  /** Names in its environment. */
  readonly variables?: readonly string[];
}

/** A machine with a few processes, each on a terminal and a child of pid 1 unless it says otherwise. */
export function machine(processes: Record<number, FakeProcess>): Platform {
  const facts = (pid: number): ProcessFacts | undefined =>
    processes[pid] && {
      parent: 1,
      startTime: `start of ${pid}`,
      hasTerminal: true,
      leadsSession: false,
      name: 'program',
      workingDirectory: '/',
      ...processes[pid],
    };
  const known: Partial<Platform> = {
    process: facts,
    startTime: (pid) => facts(pid)?.startTime,
    workingDirectory: (pid) => facts(pid)?.workingDirectory,
    hasVariable: (pid, name) => processes[pid]?.variables?.includes(name) === true,
  };
  return known as Platform;
}

/** The process with this pid that the machine has. */
export function peerOf(pid: number): Peer {
  return { pid, uid: 0, startTime: `start of ${pid}` };
}
