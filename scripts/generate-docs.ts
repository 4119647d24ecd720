import { readFileSync, writeFileSync } from 'node:fs';
import { resultsSchema, resultsTables } from '../packages/cli/src/results/document.ts';
import { configTables } from '../packages/daemon/src/config/docs.ts';
import { configJsonSchema } from '../packages/daemon/src/config/json-schema.ts';

/**
 * Writes what follows from the code: docs/config.schema.json and the tables of docs/configuration.md
 * from the schema of config.yaml, docs/json.schema.json and the tables of docs/json.md from the forms of
 * results. `--check` writes nothing and exits 1 when a file differs.
 */

const begin = '<!-- generated: tables -->';
const end = '<!-- end of generated -->';

const check = process.argv.includes('--check');
const schema = configJsonSchema();

update('docs/config.schema.json', () => `${JSON.stringify(schema, null, 2)}\n`);
update('docs/json.schema.json', () => `${JSON.stringify(resultsSchema(), null, 2)}\n`);
updateTables('docs/configuration.md', configTables(schema));
updateTables('docs/json.md', resultsTables());

function updateTables(name: string, tables: string): void {
  update(name, (text) => {
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from === -1 || to < from) throw new Error(`${name} lacks ${begin} or ${end}`);
    return `${text.slice(0, from)}${begin}\n${tables}${text.slice(to)}`;
  });
}

function update(name: string, make: (text: string) => string): void {
  const file = new URL(`../${name}`, import.meta.url);
  const before = read(file);
  const after = make(before);
  if (after === before) return;
  if (check) {
    process.stderr.write(`${name} differs from the code: run node scripts/generate-docs.ts\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, after);
  }
}

function read(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
