import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As much of a bundler's plugin as this one needs. */
interface LicencePlugin {
  readonly name: string;
  generateBundle(this: {
    getModuleIds(): Iterable<string>;
    emitFile(file: { type: 'asset'; fileName: string; source: string }): void;
  }): void;
}

/** Writes the licences of all packages that went into a bundle beside it, as those licences ask for. */
export function licences(fileName = 'THIRD-PARTY-LICENCES.txt'): LicencePlugin {
  return {
    name: 'licences',
    generateBundle() {
      const folders = new Set(
        [...this.getModuleIds()].flatMap(
          (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(id)?.[0] ?? [],
        ),
      );
      if (folders.size === 0) return;
      const parts = [...folders].sort().map(licenceOf);
      this.emitFile({ type: 'asset', fileName, source: parts.join(`\n${'-'.repeat(72)}\n\n`) });
    },
  };
}

function licenceOf(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/iu.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
