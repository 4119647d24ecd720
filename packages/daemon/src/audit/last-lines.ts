import { read } from 'node:fs';
import { promisify } from 'node:util';

const chunkSize = 64 * 1024;
const lineFeed = 10;
const readAt = promisify(read);

/** Where the last whole line ends: just after the last line feed before `size`. */
export async function endOfLines(fd: number, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const chunk = await readChunk(fd, end);
    const at = chunk.lastIndexOf(lineFeed);
    end -= chunk.length;
    if (at !== -1) return end + at + 1;
  }
  return 0;
}

/** The last `count` lines before `end`, oldest first. It reads backwards, no more than it needs. */
export async function readLastLines(fd: number, end: number, count: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let feeds = 0;
  // One more than lines wanted: the one before the first line.
  for (let at = end; at > 0 && feeds <= count;) {
    const chunk = await readChunk(fd, at);
    at -= chunk.length;
    chunks.unshift(chunk);
    for (let i = chunk.indexOf(lineFeed); i !== -1; i = chunk.indexOf(lineFeed, i + 1)) feeds += 1;
  }
  const bytes = Buffer.concat(chunks);
  const lines: Buffer[] = [];
  for (let to = bytes.length - 1; to >= 0 && lines.length < count;) {
    const from = to === 0 ? 0 : bytes.lastIndexOf(lineFeed, to - 1) + 1;
    lines.push(bytes.subarray(from, to));
    to = from - 1;
  }
  return lines.toReversed();
}

async function readChunk(fd: number, end: number): Promise<Buffer> {
  const start = Math.max(0, end - chunkSize);
  const chunk = Buffer.allocUnsafe(end - start);
  for (let filled = 0; filled < chunk.length;) {
    const { bytesRead } = await readAt(fd, chunk, filled, chunk.length - filled, start + filled);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    filled += bytesRead;
  }
  return chunk;
}
