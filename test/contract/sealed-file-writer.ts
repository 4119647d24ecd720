import { writeSync } from 'node:fs';
import { createSealedFile } from '@mcp-broker/providers';

/**
 * Counts up in one secret from the number that comes on stdin, until it is killed or stdin ends. Each number is told
 * on stdout before its put (`start N`) and once it has resolved (`done N`). Arguments: file, key in hex.
 */
const [file = '', key = ''] = process.argv.slice(2);
const scalar = Buffer.from(key, 'hex');
const { signal } = new AbortController();
const provider = createSealedFile({
  file,
  identity: { use: (action) => action(scalar) },
  // The parent lets one writer run at a time.
  lock: () => Promise.resolve(() => undefined),
  now: () => Date.now(),
});

await provider.check?.({ signal });
writeSync(1, 'ready\n');
process.stdin.once('data', (first) => {
  void write(Number(first));
});

process.stdin.once('end', () => process.exit());

async function write(number: number): Promise<void> {
  for (let next = number; ; next += 1) {
    writeSync(1, `start ${next}\n`);
    await provider.put?.({ path: 'COUNTER' }, Buffer.from(String(next)), { signal });
    writeSync(1, `done ${next}\n`);
  }
}
