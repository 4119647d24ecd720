import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resultsSchema, resultsTables } from '../packages/cli/src/results/document.ts';
import { configTables } from '../packages/daemon/src/config/docs.ts';
import { configJsonSchema } from '../packages/daemon/src/config/json-schema.ts';
import { markdownPages } from './manual/markdown.ts';
import { manualPages } from './manual/roff.ts';

/**
 * Writes what follows from the code: docs/config.schema.json and the tables of docs/configuration.md
 * from the schema of config.yaml; docs/json.schema.json and the tables of docs/json.md from the forms of
 * results; docs/commands, and the list of manual pages in the package.json of the command, from the specs of
 * the commands. `--check` writes nothing and exits 1 when a file differs.
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

const commands = markdownPages();
mkdirSync(new URL('../docs/commands', import.meta.url), { recursive: true });
for (const [name, page] of commands) update(`docs/commands/${name}`, () => page);
for (const name of readdirSync(new URL('../docs/commands', import.meta.url))) {
  if (!commands.has(name)) remove(`docs/commands/${name}`);
}
update('packages/cli/package.json', (text) => {
  const manifest = JSON.parse(text) as Record<string, unknown>;
  const man = [...manualPages(new Date(0)).keys()].toSorted().map((name) => `./dist/man/${name}`);
  return `${JSON.stringify({ ...manifest, man }, undefined, 2)}\n`;
});

function update(name: string, make: (text: string) => string): void {
  const file = new URL(`../${name}`, import.meta.url);
  const before = read(file);
  const after = make(before);
  if (after === before) return;
  if (check) differs(name);
  else writeFileSync(file, after);
}

/** Of a command that there is no more. */
function remove(name: string): void {
  if (check) differs(name);
  else rmSync(new URL(`../${name}`, import.meta.url));
}

function differs(name: string): void {
  process.stderr.write(
    `${name} is not what the code makes: run node --conditions=dev scripts/generate-docs.ts\n`,
  );
  process.exitCode = 1;
}

function read(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
