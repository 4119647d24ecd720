import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

// What `mcp exec` loads, as built: every file that can be reached without a dynamic import, and every
// name that such a file asks Node for.

const dist = fileURLToPath(new URL('../../packages/cli/dist/', import.meta.url));
const budget = 61 * 1024;

/** Loaded at the start of every launch. */
const eager = ['node:buffer', 'node:fs', 'node:net', 'node:path', 'node:vm'];
/** Loaded when it comes to that: the server starts or ends, the daemon has to be started, `--config` is given. */
const late = ['node:child_process', 'node:crypto', 'node:module', 'node:os', 'node:tty'];

interface Graph {
  readonly files: ReadonlySet<string>;
  readonly modules: ReadonlySet<string>;
  readonly builtins: ReadonlySet<string>;
  readonly dynamic: ReadonlySet<string>;
}

function walk(...entries: string[]): Graph {
  const graph = {
    files: new Set<string>(),
    modules: new Set<string>(),
    builtins: new Set<string>(),
    dynamic: new Set<string>(),
  };
  const open = entries;
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (graph.files.has(file)) continue;
    graph.files.add(file);
    const text = readFileSync(file, 'utf8');
    for (const name of named(text, /\brequire\(\s*["'`]([^"'`]+)["'`]\s*\)/gu)) {
      if (name.startsWith('.')) open.push(join(dirname(file), name));
      else graph.modules.add(name);
    }
    for (const name of named(text, /\bgetBuiltinModule\(\s*["'`]([^"'`]+)["'`]\s*\)/gu)) {
      graph.builtins.add(name);
    }
    for (const name of named(text, /\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/gu)) {
      graph.dynamic.add(name);
    }
  }
  return graph;
}

function named(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name]) => name ?? '');
}

describe('the hot path as built', () => {
  // The first reads and runs the second.
  const files = ['main.cjs', 'mcp.cjs'].map((name) => join(dist, name));
  const graph = walk(...files);
  const texts = [...graph.files].map((file) => readFileSync(file, 'utf8'));

  test('is the entry and one bundle, 61 KB together at most', () => {
    expect([...graph.files].toSorted()).toEqual(files);
    const bytes = [...graph.files].reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes).toBeLessThanOrEqual(budget);
  });

  test('loads modules of Node alone, from a list', () => {
    expect([...graph.modules].filter((name) => !eager.includes(name))).toEqual([]);
    expect([...graph.builtins].filter((name) => !late.includes(name))).toEqual([]);
  });

  test('reaches the commands and the guard by dynamic imports, and has no other way to load code', () => {
    expect([...graph.dynamic].toSorted()).toEqual(['./commands.mjs', './guard.mjs']);
    for (const name of graph.dynamic) expect(existsSync(join(dist, name))).toBe(true);
    for (const text of texts) {
      // A name that is computed would hide from the patterns above.
      expect(text.match(/\b(?:require|getBuiltinModule|import)\((?!\s*["'`])/gu)).toBeNull();
      expect(text).not.toMatch(/\beval\(|new Function\(|process\.binding|import\.meta/u);
    }
    const [main = '', mcp = ''] = files.map((file) => readFileSync(file, 'utf8'));
    const asked = new Set(named(main, /\bimportLate\(\s*["'`]([^"'`]+)["'`]\s*\)/gu));
    expect(asked).toEqual(graph.dynamic);
    // Code of `vm` that imports makes Node warn, on the stderr of the server.
    expect(main).not.toMatch(/\bimport\(|node:vm/u);
    expect(mcp.match(/\bScript\(/gu)).toHaveLength(1);
  });

  test('finds the daemon by its name alone, and what --replace loads of it', () => {
    const resolved = texts.flatMap((text) =>
      named(text, /(?:\.resolve|\))\(\s*["'`]([^"'`]+)["'`]\s*\)/gu),
    );
    expect(resolved.filter((name) => name.startsWith('@')).toSorted()).toEqual([
      '@mcp-broker/daemon/main',
      '@mcp-broker/daemon/replace',
    ]);
  });

  test('loads for --replace one small file, and of koffi its native part', () => {
    const file = createRequire(join(dist, 'mcp.cjs')).resolve('@mcp-broker/daemon/replace');
    const { files: walked, modules } = walk(file);
    expect([...walked]).toEqual([file]);
    expect(statSync(file).size).toBeLessThanOrEqual(8 * 1024);
    expect([...modules].filter((name) => !eager.includes(name))).toEqual([]);
  });
});
