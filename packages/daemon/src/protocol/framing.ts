import { isUtf8 } from 'node:buffer';
import { BrokerError } from '@mcp-broker/providers/errors';
import { secretBytes } from '@mcp-broker/providers/secret-bytes';
import { parseStrict, StrictJsonError } from './json.ts';

/** 256 KiB: what a line of JSON may have at most. Attachments are counted apart. */
export const maxFrame: number = 256 * 1024;
/** 4 MiB: what the line of an answer or an event may have; a list is longer than any request. */
export const maxAnswer: number = 4 * 1024 * 1024;
/** 16 MiB: what the attachments of one message may have together. */
export const maxAttachments: number = 16 * 1024 * 1024;
/** How many attachments one message may have. */
export const maxAttachmentCount: number = 64;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const noBytes = secretBytes(0);

/** One message: the parsed JSON object, and the bytes that followed it. */
export interface Frame {
  readonly message: Readonly<Record<string, unknown>>;
  readonly attachments: readonly Buffer[];
}

/**
 * The message as bytes to write, in one piece: its line, then its attachments, each behind its length. They
 * are copies; the caller wipes them once they are written.
 */
export function encode(message: object, attachments: readonly Uint8Array[] = []): Buffer {
  if (attachments.length === 0) return Buffer.from(`${JSON.stringify(message)}\n`);
  if (attachments.length > maxAttachmentCount) throw new RangeError('too many attachments');
  const line = `${JSON.stringify({ ...message, attachments: attachments.length })}\n`;
  let size = Buffer.byteLength(line);
  for (const { length } of attachments) size += 4 + length;
  const bytes = secretBytes(size);
  let at = bytes.write(line);
  for (const attachment of attachments) {
    at = bytes.writeUInt32BE(attachment.length, at);
    bytes.set(attachment, at);
    at += attachment.length;
  }
  return bytes;
}

/** Overwrites what can be overwritten. */
export function wipe(buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0);
}

export interface DecoderLimits {
  /** Bytes of a line. */
  readonly frame?: number;
  /** Bytes of all attachments of one message. */
  readonly attachments?: number;
}

/** A message whose line is there and whose attachments are still coming. */
interface Pending {
  readonly message: Readonly<Record<string, unknown>>;
  readonly attachments: Buffer[];
  readonly count: number;
  /** Bytes that further attachments may have. */
  room: number;
}

/**
 * Splits a stream of bytes into messages. `push` gives the messages completed by the chunk; it throws
 * `ERR_PROTOCOL` on a line over the cap, bad UTF-8, JSON that is no object, duplicate keys, a
 * `__proto__` key, depth over 64, a CR, or attachments over their caps. After a throw the decoder is
 * dead, and whatever came with the offending chunk is gone.
 */
export class Decoder {
  readonly #frameLimit: number;
  readonly #attachmentLimit: number;
  /** The start of a line whose end has not come yet; grows by doubling. */
  #line: Buffer = noBytes;
  #lineLength = 0;
  #pending: Pending | undefined;
  /** The bytes of an attachment's length that are there, as a number, and how many. */
  #length = 0;
  #lengthFilled = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #dead = false;

  constructor(limits: DecoderLimits = {}) {
    this.#frameLimit = limits.frame ?? maxFrame;
    this.#attachmentLimit = limits.attachments ?? maxAttachments;
  }

  /** Something of a message is there, and its end is not. */
  get partial(): boolean {
    return this.#lineLength > 0 || this.#pending !== undefined;
  }

  /** Takes the chunk's bytes out: where attachments stood in it, it is overwritten. */
  push(chunk: Uint8Array): Frame[] {
    if (this.#dead) throw violation('nothing may follow a broken message');
    const frames: Frame[] = [];
    let at = 0;
    try {
      while (at < chunk.length) {
        at = this.#pending === undefined ? this.#readLine(chunk, at) : this.#readBody(chunk, at);
        const frame = this.#completed();
        if (frame !== undefined) frames.push(frame);
      }
    } catch (error) {
      for (const frame of frames) wipe(frame.attachments);
      this.end();
      chunk.fill(0);
      throw error;
    }
    return frames;
  }

  /** Wipes what has come of an unfinished message. Nothing may be pushed afterwards. */
  end(): void {
    this.#dead = true;
    wipe(this.#pending?.attachments ?? []);
    this.#body?.fill(0);
    this.#pending = undefined;
    this.#body = undefined;
    this.#line = noBytes;
    this.#lineLength = 0;
  }

  #readLine(chunk: Uint8Array, start: number): number {
    const end = chunk.indexOf(lineFeed, start);
    const part = chunk.subarray(start, end === -1 ? chunk.length : end);
    if (this.#lineLength + part.length > this.#frameLimit) {
      throw violation(`a line has more than ${this.#frameLimit} bytes`);
    }
    if (end === -1) {
      this.#keep(part);
      return chunk.length;
    }
    if (this.#lineLength === 0) {
      this.#open(part);
    } else {
      this.#keep(part);
      const line = this.#line.subarray(0, this.#lineLength);
      this.#lineLength = 0;
      this.#open(line);
      this.#line = noBytes;
    }
    return end + 1;
  }

  #keep(part: Uint8Array): void {
    const needed = this.#lineLength + part.length;
    if (needed > this.#line.length) {
      const larger = secretBytes(Math.max(needed, 2 * this.#line.length, 1024));
      larger.set(this.#line.subarray(0, this.#lineLength));
      this.#line = larger;
    }
    this.#line.set(part, this.#lineLength);
    this.#lineLength = needed;
  }

  #open(line: Uint8Array): void {
    const message = parseLine(line);
    const count = Object.hasOwn(message, 'attachments') ? message['attachments'] : 0;
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
      throw violation('`attachments` is not a number of attachments');
    }
    if (count > maxAttachmentCount) {
      throw violation(`a message has more than ${maxAttachmentCount} attachments`);
    }
    this.#pending = { message, attachments: [], count, room: this.#attachmentLimit };
  }

  #readBody(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#body === undefined) {
      while (this.#lengthFilled < 4 && at < chunk.length) {
        this.#length = this.#length * 256 + (chunk[at] ?? 0);
        this.#lengthFilled += 1;
        at += 1;
      }
      if (this.#lengthFilled < 4) return at;
      this.#openBody(this.#length);
    }
    const body = this.#body;
    if (body !== undefined) {
      const part = chunk.subarray(at, at + body.length - this.#bodyFilled);
      body.set(part, this.#bodyFilled);
      part.fill(0);
      this.#bodyFilled += part.length;
      at += part.length;
      if (this.#bodyFilled === body.length) this.#closeBody(body);
    }
    return at;
  }

  #openBody(length: number): void {
    const pending = this.#pending;
    if (pending === undefined || length > pending.room) {
      throw violation(`the attachments have more than ${this.#attachmentLimit} bytes`);
    }
    pending.room -= length;
    this.#body = secretBytes(length);
    this.#bodyFilled = 0;
  }

  #closeBody(body: Buffer): void {
    this.#pending?.attachments.push(body);
    this.#body = undefined;
    this.#length = 0;
    this.#lengthFilled = 0;
  }

  /** The pending message, if its last attachment is there. */
  #completed(): Frame | undefined {
    const pending = this.#pending;
    if (pending === undefined || pending.attachments.length < pending.count) return undefined;
    this.#pending = undefined;
    return { message: pending.message, attachments: pending.attachments };
  }
}

function parseLine(line: Uint8Array): Readonly<Record<string, unknown>> {
  // JSON takes a CR for white space; a reader that splits lines there would see other messages.
  if (line.includes(carriageReturn)) throw violation('a line holds a carriage return');
  if (!isUtf8(line)) throw violation('a line is not UTF-8');
  let message: unknown;
  try {
    message = parseStrict(Buffer.from(line.buffer, line.byteOffset, line.length).toString());
  } catch (error) {
    throw violation(error instanceof StrictJsonError ? error.message : 'it is not JSON');
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw violation('it is not one JSON object');
  }
  return message as Readonly<Record<string, unknown>>;
}

function violation(reason: string): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `a message broke the protocol: ${reason}`, {
    hint: '`mcp daemon restart`, if both sides are MCP Broker; docs/PROTOCOL.md, if one is not',
  });
}
