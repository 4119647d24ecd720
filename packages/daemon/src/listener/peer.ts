import type { Platform } from '../platform/platform.ts';

/** A process at the other end of the socket, as the kernel describes it. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /** In the kernel's own unit; with the pid it names one process for ever. */
  readonly startTime: string;
}

/** A process that is not answered, and why. */
export interface Refusal {
  readonly pid: number;
  readonly uid: number;
  readonly reason: string;
}

/** Who connected: a living process of `uid` that this kernel can name, or a refusal. */
export function admitPeer(
  platform: Platform,
  fd: number,
  uid: number,
): { readonly peer: Peer } | { readonly refusal: Refusal } {
  const credentials = platform.peerCredentials(fd);
  const refuse = (reason: string): { refusal: Refusal } => ({
    refusal: { ...credentials, reason },
  });
  if (credentials.uid !== uid) return refuse('it runs as another user');
  // The kernel says 0 for a process outside our pid namespace: there is nothing to hold it by.
  if (credentials.pid <= 0) return refuse('it is in a pid namespace that we cannot see');
  const startTime = platform.startTime(credentials.pid);
  if (startTime === undefined) return refuse(gone);
  return { peer: { ...credentials, startTime } };
}

/**
 * Why the process that connected is no longer at the other end, or undefined when it is. Its pid may
 * have gone to another process, and its descriptor to one that it left behind.
 */
export function peerLoss(platform: Platform, peer: Peer): string | undefined {
  const startTime = platform.startTime(peer.pid);
  if (startTime === peer.startTime) return undefined;
  return startTime === undefined ? gone : 'its pid belongs to another process now';
}

const gone = 'the process that connected has gone';
