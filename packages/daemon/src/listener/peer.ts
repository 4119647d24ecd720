import { BrokerError } from '@mcp-broker/providers/errors';
import type { HeldProcess, Namespaces, Platform } from '../platform/platform.ts';

/** A process at the other end of the socket, as the kernel describes it. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /** In the kernel's own unit; with the pid it names one process for ever. */
  readonly startTime: string;
  /** Where the kernel offers it: then whether it lives is asked of this, and not by its start time. */
  readonly held?: HeldProcess;
}

/** A process that is not answered, and why. */
export interface Refusal {
  readonly pid: number;
  readonly uid: number;
  readonly reason: string;
}

/** Who is let in. */
export interface Entrance {
  readonly uid: number;
  /** Our own; undefined where they cannot be read, and then nobody is let in. */
  readonly namespaces: Namespaces | undefined;
  /** Other namespaces may ask from this control group. */
  readonly allows: (controlGroup: string) => boolean;
  /** Where a person names further ones. */
  readonly configFile: string;
}

export type Admission =
  | { readonly peer: Peer }
  | { readonly refusal: Refusal }
  /** It is told so, since its user is ours. */
  | { readonly refusal: Refusal; readonly peer: Peer; readonly error: BrokerError };

/**
 * Who connected: a living process of our user and namespaces that this kernel can name, or a refusal. Whoever
 * gets a peer lets go of it once the connection has gone.
 */
export function admitPeer(platform: Platform, fd: number, entrance: Entrance): Admission {
  const credentials = platform.peerCredentials(fd);
  const refuse = (reason: string): { refusal: Refusal } => ({
    refusal: { ...credentials, reason },
  });
  if (credentials.uid !== entrance.uid) return refuse('it runs as another user');
  // The kernel says 0 for a process outside our pid namespace: there is nothing to hold it by.
  if (credentials.pid <= 0) return refuse('it is in a pid namespace that we cannot see');
  const startTime = platform.startTime(credentials.pid);
  if (startTime === undefined) return refuse(gone);
  // Looked at after the start time was read: that of a process which got the pid is not taken for it.
  const held = platform.holdPeer(fd, credentials.pid);
  const peer = { ...credentials, startTime, ...(held === undefined ? {} : { held }) };
  const other = held?.ended === true ? undefined : otherNamespaces(platform, peer.pid, entrance);
  // It may have ended while it was looked at.
  if (held?.ended === true || (other !== undefined && peerLoss(platform, peer) !== undefined)) {
    held?.release();
    return refuse(gone);
  }
  if (other === undefined) return { peer };
  return { peer, ...refuse(other.message), error: other };
}

/**
 * Why the process that connected is no longer at the other end, or undefined when it is. Its pid may
 * have gone to another process, and its descriptor to one that it left behind.
 */
export function peerLoss(platform: Platform, peer: Peer): string | undefined {
  if (peer.held !== undefined) return peer.held.ended ? gone : undefined;
  const startTime = platform.startTime(peer.pid);
  if (startTime === peer.startTime) return undefined;
  return startTime === undefined ? gone : 'its pid belongs to another process now';
}

const gone = 'the process that connected has gone';

/**
 * A container, a sandbox: what runs there was kept away from the rest of the user's processes on
 * purpose, and a socket that got in is no reason to serve it.
 */
function otherNamespaces(
  platform: Platform,
  pid: number,
  { namespaces: own, allows, configFile }: Entrance,
): BrokerError | undefined {
  const theirs = platform.namespaces(pid);
  if (own === undefined || theirs === undefined) {
    return new BrokerError('ERR_DENIED', 'the namespaces of this process cannot be read', {
      hint: 'see ERR_DENIED in docs/errors.md: a program that the kernel shields from others is not served',
    });
  }
  const kinds = (['user', 'pid', 'mount'] as const).filter((kind) => own[kind] !== theirs[kind]);
  if (kinds.length === 0) return undefined;
  const group = platform.controlGroup(pid);
  if (group !== undefined && allows(group)) return undefined;
  // What is in no group of its own cannot be told from everything else.
  const canBeNamed = group !== undefined && group !== '/' && !/\p{Cc}/u.test(group);
  return new BrokerError(
    'ERR_DENIED',
    `this process runs in another ${kinds.join(', ')} namespace than the daemon, as in a container or sandbox`,
    {
      hint: canBeNamed
        ? `add ${group} to settings.allow_namespaces in ${configFile}, then: mcp daemon restart`
        : 'run it outside of the container or sandbox, or in a control group of its own',
    },
  );
}
