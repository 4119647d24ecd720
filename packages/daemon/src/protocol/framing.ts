/** 256 KiB: what a line of JSON may have at most. Attachments are counted apart. */
export const maxFrame: number = 256 * 1024;
/** 16 MiB: what the attachments of one message may have together. */
export const maxAttachments: number = 16 * 1024 * 1024;

/** One message: the parsed JSON object, and the bytes that followed it. */
export interface Frame {
  readonly message: Readonly<Record<string, unknown>>;
  readonly attachments: readonly Buffer[];
}

/** The message as bytes to write: its line, then its attachments. The caller wipes the buffers. */
export declare function encode(message: object, attachments?: readonly Uint8Array[]): Buffer[];

export interface DecoderLimits {
  readonly frame?: number;
  readonly attachments?: number;
}

/**
 * Splits a stream of bytes into messages. `push` gives the messages completed by the chunk; it throws
 * `ERR_PROTOCOL` on a line over the cap, bad UTF-8, JSON that is no object, duplicate keys, a
 * `__proto__` key, depth over 64, or a bare CR. After a throw the decoder is dead.
 */
export declare class Decoder {
  constructor(limits?: DecoderLimits);
  push(chunk: Uint8Array): Frame[];
  /** Something of a message is there, and its end is not. */
  get partial(): boolean;
}
