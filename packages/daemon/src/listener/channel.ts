import type { Socket } from 'node:net';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import { startDeadline } from './deadline.ts';
import { peerLoss, type Peer } from './peer.ts';
import { readWith } from '@mcp-broker/providers/secret-reading';
import type { Platform } from '../platform/platform.ts';
import { Decoder, encode, wipe, type Frame } from '../protocol/framing.ts';

/** How long a message may take from its first byte to its last. */
export const messageMs = 10_000;
/** Bytes that wait for a client before we read no further requests of it. */
const pauseAbove = 1024 * 1024;
/** Bytes that wait before a client that does not read gets no further event: its connection ends. */
const eventsAbove = 4 * 1024 * 1024;
/** The same for answers, which a client that asked for many at once may fairly let wait longer. */
const answersAbove = 64 * 1024 * 1024;
/** How long the end of a connection may take. */
const lingerMs = 2000;

/** One for all channels: there may be ten thousand. */
export interface ChannelOptions {
  readonly platform: Platform;
  readonly clock: Clock;
  /** Bytes of a line. */
  readonly frameLimit: number;
}

/** Who has a channel, and is told what comes of it. */
export interface ChannelOwner {
  onFrame(frame: Frame): void;
  /** A message broke the rules; the channel reads no further. */
  onViolation(error: BrokerError): void;
  /** The process that connected is not at the other end any more; the channel is closed. */
  onPeerLost(reason: string): void;
  onClosed(): void;
}

/**
 * Messages in and out of one accepted socket. Nothing is read from, and nothing sent to, another
 * process than the one that connected.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #owner: ChannelOwner;
  readonly #peer: Peer;
  readonly #socket: Socket;
  readonly #decoder: Decoder;
  #cancelDeadline: (() => void) | undefined;
  /** Reads no further: broken, closing or closed. */
  #deaf = false;

  /** Takes a socket that is paused. */
  constructor(accepted: Socket, peer: Peer, owner: ChannelOwner, options: ChannelOptions) {
    this.#options = options;
    this.#owner = owner;
    this.#peer = peer;
    this.#decoder = new Decoder({ frame: options.frameLimit });
    const socket = readWith(accepted, (chunk) => {
      this.read(chunk);
    });
    this.#socket = socket;
    socket.on('drain', () => {
      this.#pace();
    });
    // What went wrong does not matter: `close` follows.
    socket.on('error', ignore);
    socket.on('close', () => {
      this.#deafen();
      owner.onClosed();
    });
  }

  /** The attachments are copied; the caller wipes its own. */
  answer(message: object, attachments: readonly Uint8Array[] = []): void {
    this.#send(message, attachments, answersAbove);
  }

  event(message: object): void {
    this.#send(message, [], eventsAbove);
  }

  /** Ends the connection once everything has left. */
  close(): void {
    this.#linger();
    this.#socket.destroySoon();
  }

  /**
   * Ends our half once everything has left, and throws away what comes until the other half ends too:
   * bytes that nobody takes would take the last answer with them.
   */
  hangUp(): void {
    this.#linger();
    this.#socket.end();
    this.#socket.resume();
  }

  #linger(): void {
    const socket = this.#socket;
    const { clock } = this.#options;
    this.#deafen();
    if (socket.destroyed) return;
    const cancel = clock.after(lingerMs, () => {
      socket.destroy();
    });
    socket.once('close', cancel);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(message: object, attachments: readonly Uint8Array[], limit: number): void {
    const socket = this.#socket;
    if (!socket.writable || !this.#samePeer()) return;
    if (socket.writableLength > limit) {
      socket.destroy();
      return;
    }
    const bytes = encode(message, attachments);
    // Called when the bytes are with the kernel, and also when they will never be.
    socket.write(bytes, () => {
      bytes.fill(0);
    });
    this.#pace();
  }

  /** What has come from the socket; is done with the bytes when it returns. */
  read(chunk: Buffer): void {
    if (this.#deaf || !this.#samePeer()) {
      chunk.fill(0);
      return;
    }
    let frames: Frame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch (error) {
      this.#violate(error as BrokerError);
      return;
    }
    for (const frame of frames) {
      if (this.#deaf) wipe(frame.attachments);
      else this.#owner.onFrame(frame);
    }
    if (frames.length > 0) this.#stopDeadline();
    this.#pace();
  }

  /** Stops and starts reading, and with it the clock of a message that is under way. */
  #pace(): void {
    if (this.#deaf) return;
    const socket = this.#socket;
    const { clock } = this.#options;
    if (socket.writableLength > pauseAbove) {
      socket.pause();
      this.#stopDeadline();
      return;
    }
    socket.resume();
    if (!this.#decoder.partial) this.#stopDeadline();
    else this.#cancelDeadline ??= startDeadline(clock, messageMs, () => this.#violate(tooSlow()));
  }

  /** Ends the connection when its process has gone. */
  checkPeer(): void {
    this.#samePeer();
  }

  #samePeer(): boolean {
    const loss = peerLoss(this.#options.platform, this.#peer);
    if (loss === undefined) return true;
    this.#socket.destroy();
    this.#owner.onPeerLost(loss);
    return false;
  }

  #violate(error: BrokerError): void {
    this.#deafen();
    this.#owner.onViolation(error);
  }

  #deafen(): void {
    this.#deaf = true;
    this.#stopDeadline();
    this.#decoder.end();
  }

  #stopDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }
}

function ignore(): void {}

function tooSlow(): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `a message took longer than ${messageMs / 1000} s`, {
    hint: 'send each message in one go',
  });
}
