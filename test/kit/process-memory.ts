import { open, readFile } from 'node:fs/promises';

const chunkSize = 4 * 1024 * 1024;

/** How often the bytes stand in the memory of another process (Linux, root: /proc). */
export async function countInMemory(pid: number, bytes: Uint8Array): Promise<number> {
  let count = 0;
  const memory = await open(`/proc/${pid}/mem`, 'r');
  const buffer = Buffer.alloc(chunkSize + bytes.length - 1);
  try {
    for (const [start, end] of await readableRegions(pid)) {
      // Each chunk reaches into the next one by what a find may be cut by.
      for (let at = start; at < end; at += chunkSize) {
        const length = Math.min(buffer.length, end - at);
        // What has been unmapped meanwhile, or is a device's, cannot be read.
        const { bytesRead } = await memory
          .read(buffer, 0, length, at)
          .catch(() => ({ bytesRead: 0 }));
        count += countIn(buffer.subarray(0, bytesRead), bytes);
      }
    }
  } finally {
    await memory.close();
  }
  return count;
}

async function readableRegions(pid: number): Promise<(readonly [start: number, end: number])[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'latin1');
  return [...maps.matchAll(/^([\da-f]+)-([\da-f]+) r/gmu)]
    .map(([, start = '', end = '']) => [parseInt(start, 16), parseInt(end, 16)] as const)
    .filter(([, end]) => Number.isSafeInteger(end));
}

function countIn(memory: Buffer, bytes: Uint8Array): number {
  let count = 0;
  for (let at = memory.indexOf(bytes); at !== -1; at = memory.indexOf(bytes, at + 1)) count += 1;
  return count;
}
