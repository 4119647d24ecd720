import { fileURLToPath } from 'node:url';
import { createHome, mcpCommand } from '../kit/home.ts';
import { compare, interleave, type Case } from './measure.ts';

const token = 'x'.repeat(40);
const reference = { TOKEN: '$<TOKEN>' };
const megabyte = 1024 * 1024;
const floods = [
  ['nothing', 'floods-stderr', 0],
  ['100 MB to stderr', 'floods-stderr', 100],
  ['1 GB to stdout', 'floods-stdout', 1024],
] as const;
const main = fileURLToPath(new URL('../fixtures/wild/main.mjs', import.meta.url));
const server = [process.execPath, main];

/** Asks the server to work, reads all that it writes, and fails when that is less than it should be. */
const readAll = `
  call='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work"}}'
  least=$1; shift
  test "$(echo "$call" | "$@" 2>&1 | wc -c)" -gt "$least"`;

/** What a server writes to a client that reads as fast as it can, without us and with us. */
export async function streams(runs = 9): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  try {
    await home.set('TOKEN', token);
    await home.approve(['--', ...server], { env: reference });
    const tables: string[] = [];
    for (const [name, WILD, megabytes] of floods) {
      const bytes = `${megabytes * megabyte}`;
      const read = (who: string, TOKEN: string, command: readonly string[]): Case => ({
        name: `${name}, ${who}`,
        command: ['/bin/sh', '-c', readAll, 'sh', bytes, ...command],
        env: { ...home.env, WILD, WILD_BYTES: bytes, TOKEN },
      });
      const samples = interleave(
        [
          read('without us', token, server),
          read('mcp exec', reference.TOKEN, [mcpCommand, 'exec', '--', ...server]),
        ],
        runs,
        1,
      );
      tables.push(compare(samples));
    }
    return tables.join('\n');
  } finally {
    await home.remove();
  }
}
