import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHome, mcpCommand } from '../kit/home.ts';
import { compare, interleave, milliseconds, table, type Case, type Sample } from './measure.ts';
import { large } from './programs.ts';

const scriptBytes = 1_000_000;
const reference = { TOKEN: '$<TOKEN>' };

/**
 * What we add to the bare start of `node server.js`. Of a script both files are hashed: Node once, and
 * known again; the script each time, since it is small. A touch of Node makes it be hashed anew.
 */
export async function serverLaunch(runs = 40): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  const folder = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  try {
    const node = process.execPath;
    // One that may be touched.
    const ownNode = join(folder, 'node');
    copyFileSync(node, ownNode);
    const script = join(folder, 'server.cjs');
    writeFileSync(script, large(scriptBytes));
    const touchedScript = join(folder, 'touched.cjs');
    writeFileSync(touchedScript, large(scriptBytes));

    await home.set('TOKEN', 'x'.repeat(40));
    const launch = async (
      name: string,
      command: readonly [string, string],
      touched?: string,
    ): Promise<Case> => {
      await home.approve(['--', ...command], { env: reference });
      return {
        name,
        command: [mcpCommand, 'exec', '--', ...command],
        env: { ...home.env, ...reference },
        ...(touched === undefined ? {} : { prepare: () => chmodSync(touched, 0o755) }),
      };
    };
    const { env } = home;
    const samples = interleave(
      [
        { name: 'node -e 0', command: [node, '-e', '0'], env },
        { name: 'node server.cjs', command: [node, script], env },
        await launch('mcp exec -- node server.cjs', [node, script]),
        await launch('  after a touch of the script', [node, touchedScript], touchedScript),
        await launch('  after a touch of Node', [ownNode, script], ownNode),
      ],
      runs,
    );
    return [compare(samples), '', additions(samples, '1.6 ×, digests known')].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
    await home.remove();
  }
}

/** What each launch takes more than the bare start, the second sample, in units of the first. */
function additions([unit, bare, ...launches]: readonly Sample[], aim: string): string {
  return table([
    ['', 'adds', 'of node -e 0', 'aim, at most'],
    ...launches.map(({ name, median }, index) => {
      const added = median - (bare?.median ?? Number.NaN);
      const ratio = `${(added / (unit?.median ?? Number.NaN)).toFixed(2)} ×`;
      return [name, milliseconds(added), ratio, index === 0 ? aim : ''];
    }),
  ]);
}
