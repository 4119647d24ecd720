import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectSuccess } from './home.ts';
import { run } from './run.ts';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** The packages as they would be published, as built; gives the paths of their tarballs. */
export async function packAll(folder: string): Promise<string[]> {
  for (const name of ['providers', 'daemon', 'cli']) {
    expectSuccess(
      await run('pnpm', ['pack', '--pack-destination', folder], {
        cwd: join(packages, name),
        env: process.env,
      }),
    );
  }
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  return tarballs.map((name) => join(folder, name));
}
