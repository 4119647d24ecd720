import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configTables } from './docs.ts';
import { configJsonSchema } from './json-schema.ts';
import { parseConfig } from './parse.ts';

const docs = new URL('../../../../docs/', import.meta.url);
const page = readFileSync(new URL('configuration.md', docs), 'utf8');

test('the published schema is that of the code', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('config.schema.json', docs), 'utf8'));
  expect(published).toEqual(configJsonSchema());
});

test('the page lists every key of the schema, as the code has it', () => {
  expect(page).toContain(configTables(configJsonSchema()));
  expect(page).toContain('| `settings.ttl` | `5m` | How long a cached value is fresh. |');
  expect(page).toContain('| `variables.NAME.rotate.generate.length` | `32` |');
  expect(page).toContain('| `ssh_servers[].host` | required |');
  expect(page).toContain('| `backends.NAME.kind: vault` |');
});

test('every key has a description', () => {
  const missing: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties } = node as { properties?: Record<string, Record<string, unknown>> };
    for (const [key, property] of Object.entries(properties ?? {})) {
      // A group of keys explains itself by them.
      if (property['description'] === undefined && property['properties'] === undefined) {
        missing.push(`${path}.${key}`);
      }
    }
    for (const [key, below] of Object.entries(node)) visit(below, `${path}.${key}`);
  };
  visit(configJsonSchema(), '');
  expect(missing).toEqual([]);
});

test('the example of the page is a config', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  const { config } = parseConfig(example, 'config.yaml');
  expect(Object.keys(config.servers)).toEqual(['memory']);
});
