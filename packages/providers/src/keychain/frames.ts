import { joinSecrets, secretBytes } from '../secret-bytes.ts';
import type { KeychainProblem } from './problem.ts';

/** What the helper is asked. `put` carries bytes; `names` finds all of a service, and has no name. */
export interface HelperRequest {
  readonly id: number;
  readonly action: 'get' | 'put' | 'delete' | 'names';
  readonly service: string;
  readonly name: string;
}

/** `found`: there was such an item; with `get`, its bytes follow, with `names` a JSON array. */
export interface HelperAnswer {
  readonly id: number;
  readonly found?: boolean;
  readonly problem?: KeychainProblem;
}

const lengthBytes = 4;
/** More than any keychain holds, and little enough not to fill the memory. */
const maxPartBytes = 16 * 2 ** 20;

/** Length and JSON, length and bytes, in memory that the caller wipes once it is written. */
export function encodeFrame(
  header: HelperRequest | HelperAnswer,
  body: Uint8Array = secretBytes(0),
): Buffer<ArrayBuffer> {
  const json = Buffer.from(JSON.stringify(header));
  return joinSecrets([length(json), json, length(body), body]);
}

function length(of: Uint8Array): Buffer {
  const bytes = secretBytes(lengthBytes);
  bytes.writeUInt32BE(of.length);
  return bytes;
}

/**
 * Gives each frame when it is whole, its body in memory of its own that the receiver wipes. Pieces that
 * come in are wiped. Throws when what comes in is no frame.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows which of the two comes
export function createFrameReader<T extends HelperRequest | HelperAnswer>(
  onFrame: (header: T, body: Buffer<ArrayBuffer>) => void,
): (piece: Uint8Array) => void {
  let held = secretBytes(0);
  return (piece) => {
    const all = joinSecrets([held, piece]);
    held.fill(0);
    piece.fill(0);
    let at = 0;
    for (;;) {
      const header = part(all, at);
      const body = header && part(all, header.end);
      if (header === undefined || body === undefined) break;
      const parsed = JSON.parse(all.toString('utf8', header.start, header.end)) as T;
      onFrame(parsed, joinSecrets([all.subarray(body.start, body.end)]));
      at = body.end;
    }
    held = joinSecrets([all.subarray(at)]);
    all.fill(0);
  };
}

function part(
  all: Buffer,
  at: number,
): { readonly start: number; readonly end: number } | undefined {
  const start = at + lengthBytes;
  if (all.length < start) return undefined;
  const size = all.readUInt32BE(at);
  if (size > maxPartBytes) throw new RangeError('the part of a frame is too long');
  return all.length < start + size ? undefined : { start, end: start + size };
}
