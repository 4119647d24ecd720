import type { Socket } from 'node:net';
import { BrokerError } from '@mcp-broker/providers/errors';
import { Channel, type ChannelOptions, type ChannelOwner } from './channel.ts';
import type { ListenerOptions } from './handler.ts';
import { createPeerWatch, type Watched } from './peer-watch.ts';
import { descriptorShares } from '../platform/platform.ts';
import { admitPeer, type Admission, type Entrance, type Peer } from './peer.ts';
import { rpcCodes } from '../protocol/envelope.ts';
import type { Frame } from '../protocol/framing.ts';
import { Session, type SessionOptions } from './session.ts';

/** One connection: what is said on it, and by whom. */
class Entry implements Watched, ChannelOwner {
  readonly peer: Peer;
  readonly channel: Channel;
  readonly session: Session;
  readonly #doorman: Doorman;

  constructor(id: number, accepted: Socket, peer: Peer, doorman: Doorman) {
    this.peer = peer;
    this.#doorman = doorman;
    this.channel = new Channel(accepted, peer, this, doorman.channels);
    this.session = new Session(id, peer, this.channel, doorman.sessions);
  }

  check(): void {
    this.channel.checkPeer();
  }

  onFrame(frame: Frame): void {
    this.session.accept(frame);
  }

  onViolation(error: BrokerError): void {
    this.session.fail(error, rpcCodes.parseError);
  }

  onPeerLost(reason: string): void {
    this.#doorman.onPeerLost(this, reason);
  }

  onClosed(): void {
    this.#doorman.onClosed(this);
  }
}

/** What all entries share. */
interface Doorman {
  readonly channels: ChannelOptions;
  readonly sessions: SessionOptions;
  readonly onPeerLost: (entry: Entry, reason: string) => void;
  readonly onClosed: (entry: Entry) => void;
}

/** The connections that were let in, and the door. */
export class Connections {
  readonly #options: ListenerOptions;
  readonly #entrance: Entrance;
  readonly #watch: ReturnType<typeof createPeerWatch>;
  readonly #entries = new Set<Entry>();
  /** Those that are told why they are turned away: each has its line of the audit. */
  readonly #refused = new WeakSet<Entry>();
  readonly #doorman: Doorman;
  /** As many as the config says, and as there are descriptors for. */
  readonly #most: number;
  readonly #perProcess = new Map<number, number>();
  #lastId = 0;
  #onIdle: (() => void) | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { platform, paths, namespaces, clock, handlers, version } = options;
    this.#entrance = {
      uid: process.geteuid?.() ?? -1,
      namespaces: platform.namespaces(process.pid),
      allows: (controlGroup) => namespaces?.allows(controlGroup) === true,
      configFile: paths.config,
    };
    this.#most = Math.min(
      options.limits.connections,
      descriptorShares(platform.descriptorLimit()).connections,
    );
    this.#doorman = {
      channels: { platform, clock, frameLimit: options.limits.frame },
      sessions: {
        clock,
        handlers,
        version,
        onInternalError: options.onInternalError ?? (() => undefined),
        onIdle: () => {
          this.#onIdle?.();
        },
      },
      onPeerLost: (entry, reason) => {
        const { pid, uid } = entry.peer;
        if (!this.#refused.has(entry)) options.onRefused({ pid, uid, reason });
      },
      onClosed: (entry) => {
        this.#remove(entry);
      },
    };
    this.#watch = createPeerWatch(platform, clock, this.#entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes a socket that is paused. */
  add(accepted: Socket): void {
    const admission = this.#admit(accepted);
    if (admission === undefined || !('peer' in admission)) {
      accepted.on('error', () => undefined);
      accepted.destroy();
      return;
    }
    const { peer } = admission;
    const entry = new Entry((this.#lastId += 1), accepted, peer, this.#doorman);
    if ('refusal' in admission) this.#refused.add(entry);
    this.#entries.add(entry);
    this.#watch.start();
    this.#perProcess.set(peer.pid, this.#countOf(peer) + 1);
    const refusal =
      'error' in admission ? admission.error : (this.#options.closed ?? this.#excess(peer));
    if (refusal !== undefined) entry.session.fail(refusal);
  }

  /** Resolves once every connection has ended: idle ones at once, the others after their last answer or `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    for (const { session } of this.#entries) session.drain();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(graceMs, resolve);
      this.#onIdle = () => {
        if (![...this.#entries].every(({ session }) => session.idle)) return;
        cancel();
        resolve();
      };
      this.#onIdle();
    });
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.size === 0) resolve();
      for (const { channel } of this.#entries) channel.close();
    });
  }

  #admit(socket: Socket): Admission | undefined {
    // Node has no public way to a socket's descriptor; a test watches over this one.
    const { _handle: handle } = socket as unknown as { _handle?: { readonly fd?: number } | null };
    if (handle?.fd === undefined || handle.fd < 0) return undefined;
    const admission = admitPeer(this.#options.platform, handle.fd, this.#entrance);
    if ('refusal' in admission) this.#options.onRefused(admission.refusal);
    return admission;
  }

  /** Our own check of the socket has to get through always. */
  #excess(peer: Peer): BrokerError | undefined {
    const { connectionsPerProcess } = this.#options.limits;
    if (peer.pid === process.pid) return undefined;
    if (this.size > this.#most) return tooMany(`${this.#most} connections`);
    if (this.#countOf(peer) > connectionsPerProcess) {
      return tooMany(`${connectionsPerProcess} connections of one process`);
    }
    return undefined;
  }

  #countOf({ pid }: Peer): number {
    return this.#perProcess.get(pid) ?? 0;
  }

  #remove(entry: Entry): void {
    const { peer } = entry;
    this.#entries.delete(entry);
    const left = this.#countOf(peer) - 1;
    if (left > 0) this.#perProcess.set(peer.pid, left);
    else this.#perProcess.delete(peer.pid);
    entry.session.closed();
    peer.held?.release();
    if (this.size > 0) return;
    this.#watch.stop();
    this.#onEmpty?.();
  }
}

function tooMany(what: string): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `the daemon serves at most ${what}`, {
    hint: 'close some, or raise settings.limits in config.yaml',
    retryable: true,
  });
}
