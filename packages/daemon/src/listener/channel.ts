import type { Socket } from 'node:net';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import { startDeadline } from './deadline.ts';
import { peerLoss, type Peer } from './peer.ts';
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

export interface ChannelOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly platform: Platform;
  readonly clock: Clock;
  /** Bytes of a line. */
  readonly frameLimit: number;
  readonly onFrame: (frame: Frame) => void;
  /** A message broke the rules; the channel reads no further. */
  readonly onViolation: (error: BrokerError) => void;
  /** The process that connected is not at the other end any more; the channel is closed. */
  readonly onPeerLost: (reason: string) => void;
  readonly onClosed: () => void;
}

/**
 * Messages in and out of one accepted socket. Nothing is read from, and nothing sent to, another
 * process than the one that connected.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #decoder: Decoder;
  #cancelDeadline: (() => void) | undefined;
  /** Reads no further: broken, closing or closed. */
  #deaf = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#decoder = new Decoder({ frame: options.frameLimit });
    const { socket } = options;
    socket.on('drain', () => {
      this.#pace();
    });
    // What went wrong does not matter: `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#deafen();
      options.onClosed();
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
    this.#options.socket.destroySoon();
  }

  /**
   * Ends our half once everything has left, and throws away what comes until the other half ends too:
   * bytes that nobody takes would take the last answer with them.
   */
  hangUp(): void {
    this.#linger();
    this.#options.socket.end();
    this.#options.socket.resume();
  }

  #linger(): void {
    const { socket, clock } = this.#options;
    this.#deafen();
    if (socket.destroyed) return;
    const cancel = clock.after(lingerMs, () => {
      socket.destroy();
    });
    socket.once('close', cancel);
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  #send(message: object, attachments: readonly Uint8Array[], limit: number): void {
    const { socket } = this.#options;
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
      else this.#options.onFrame(frame);
    }
    if (frames.length > 0) this.#stopDeadline();
    this.#pace();
  }

  /** Stops and starts reading, and with it the clock of a message that is under way. */
  #pace(): void {
    if (this.#deaf) return;
    const { socket, clock } = this.#options;
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
    const loss = peerLoss(this.#options.platform, this.#options.peer);
    if (loss === undefined) return true;
    this.#options.socket.destroy();
    this.#options.onPeerLost(loss);
    return false;
  }

  #violate(error: BrokerError): void {
    this.#deafen();
    this.#options.onViolation(error);
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

function tooSlow(): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `a message took longer than ${messageMs / 1000} s`, {
    hint: 'send each message in one go',
  });
}
