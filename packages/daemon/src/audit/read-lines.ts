import { read } from 'node:fs';
import { promisify } from 'node:util';

const lineFeed = 10;
const readAt = promisify(read);

/**
 * The bytes of a file from its start to `end`, cut after line feeds: each piece holds whole lines, but the
 * last one, which may lack its line feed. A piece is good until the next one is asked for. The next one is
 * read while this one is worked on.
 */
export async function* readPieces(
  fd: number,
  end: number,
  pieceSize: number = 256 * 1024,
): AsyncGenerator<Buffer, void, undefined> {
  let memory = Buffer.allocUnsafe(pieceSize);
  let spare = Buffer.allocUnsafe(pieceSize);
  let position = 0;
  const fill = async (into: Buffer, from: number): Promise<number> => {
    const wanted = Math.min(into.length - from, end - position);
    const { bytesRead } = await readAt(fd, into, from, wanted, position);
    position += bytesRead;
    return from + bytesRead;
  };
  let filled = await fill(memory, 0);
  for (;;) {
    const piece = memory.subarray(0, filled);
    const whole = piece.lastIndexOf(lineFeed) + 1;
    const rest = filled - whole;
    // A line that fills the memory: more of it.
    if (rest > spare.length / 2) spare = Buffer.allocUnsafe(rest * 2 + pieceSize);
    piece.copy(spare, 0, whole);
    const next = fill(spare, rest);
    try {
      if (whole > 0) yield piece.subarray(0, whole);
    } finally {
      // Whoever wants no more closes the file: not while it is read.
      await next.catch(() => undefined);
    }
    filled = await next;
    if (filled === rest) break;
    [memory, spare] = [spare, memory];
  }
  if (filled > 0) yield spare.subarray(0, filled);
}

/** Each line of a piece, without its line feed. */
export function* linesOf(piece: Buffer): Generator<Buffer, void, undefined> {
  for (let from = 0; from < piece.length;) {
    const feed = piece.indexOf(lineFeed, from);
    const to = feed === -1 ? piece.length : feed;
    yield piece.subarray(from, to);
    from = to + 1;
  }
}
