import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

// What the sources import of each other: cli → daemon → providers, never back, and never in a circle.

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
const maxLines = 400;

interface Source {
  /** From the repository's `packages` on. */
  readonly path: string;
  readonly text: string;
  /** What it names, types included; relative ones as paths from `packages` on. */
  readonly imports: readonly string[];
}

function sourcesOf(name: string): Source[] {
  const root = join(packages, name, 'src');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const path = join(root, file);
      const text = readFileSync(path, 'utf8');
      return { path: relative(packages, path), text, imports: importsOf(path, text) };
    });
}

function importsOf(path: string, text: string): string[] {
  const pattern = /^\s*(?:import|export|\})[^'\n]*'([^'\n]+)'|\bimport\(\s*'([^'\n]+)'/gmu;
  return [...text.matchAll(pattern)].map(([, fixed, dynamic]) => {
    const name = fixed ?? dynamic ?? '';
    return name.startsWith('.') ? relative(packages, join(path, '..', name)) : name;
  });
}

/** The first circle that is met, as a chain of paths. */
function findCircle(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const done = new Set<string>();
  const walk = (path: string, chain: readonly string[]): string[] => {
    if (chain.includes(path)) return [...chain.slice(chain.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of imports.get(path) ?? []) {
      const circle = walk(next, [...chain, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  return sources.map(({ path }) => walk(path, [])).find((circle) => circle.length > 0) ?? [];
}

/** A test, or what tests alone import. */
function isForTests({ path }: Source, sources: readonly Source[]): boolean {
  if (path.endsWith('.test.ts')) return true;
  const importers = sources.filter(({ imports }) => imports.includes(path));
  return importers.length > 0 && importers.every((importer) => isForTests(importer, sources));
}

const layers: Readonly<Record<string, RegExp>> = {
  providers: /^(?!)/u,
  daemon: /^@mcp-broker\/providers(?:\/|$)/u,
  cli: /^@mcp-broker\/daemon\/(?:audit|client|client-files|config|inspect|processes|protocol|replace)$/u,
};

describe.each(Object.entries(layers))('the sources of %s', (name, allowed) => {
  const sources = sourcesOf(name);
  const imports = sources.flatMap(({ path, imports: names }) => names.map((to) => [path, to]));

  test('import of our packages what their layer may', () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(imports.length).toBeGreaterThan(sources.length);
    const foreign = imports.filter(([, to = '']) => to.startsWith('@mcp-broker/'));
    expect(foreign.filter(([, to = '']) => !allowed.test(to))).toEqual([]);
  });

  test('reach out of their package by no relative path, but for what tests share', () => {
    const others = Object.keys(layers).filter((other) => other !== name);
    const away = sources.filter((source) =>
      source.imports.some(
        (to) =>
          others.some((other) => to.startsWith(`${other}/`)) ||
          (to.startsWith('..') && !(to.startsWith('../test/') && isForTests(source, sources))),
      ),
    );
    expect(away.map(({ path }) => path)).toEqual([]);
  });

  test('import each other in no circle, types included', () => {
    expect(findCircle(sources)).toEqual([]);
  });

  test(`have at most ${maxLines} lines each`, () => {
    const long = sources.filter(({ text }) => text.trimEnd().split('\n').length > maxLines);
    expect(long.map(({ path }) => path)).toEqual([]);
  });
});

test('a circle is found when there is one', () => {
  const source = (path: string, ...imports: string[]): Source => ({ path, text: '', imports });
  const sources = [source('a', 'b', 'c'), source('b'), source('c', 'd'), source('d', 'c', 'b')];
  expect(findCircle(sources)).toEqual(['c', 'd', 'c']);
});

test('the command line knows the daemon’s program by its path alone, and looks it up once', () => {
  const named = sourcesOf('cli').flatMap(({ path, text }) =>
    text
      .split('\n')
      .filter((line) => line.includes('@mcp-broker/daemon/main'))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(named).toEqual([
    expect.stringMatching(/daemon-program\.ts: .*\.resolve\('@mcp-broker\/daemon\/main'\)/u),
  ]);
});

/** Errors that carry no hint of their own, and why. */
const withoutHint: Readonly<Record<string, string>> = {
  'providers/src/errors.ts': 'what comes out of a shape has the hint of the shape',
  'cli/src/commands/fake-session.ts': 'stands in for the daemon in tests, and fails the test',
};

test('every error of ours says what to do about it', () => {
  const bare = Object.keys(layers)
    .flatMap(sourcesOf)
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/new BrokerError\(/gu)]
        .filter(({ index }) => !/\bhint\b/u.test(callAt(text, index)))
        .map(({ index }) => `${path}:${text.slice(0, index).split('\n').length}`),
    );
  const files = bare.map((place) => place.replace(/:\d+$/u, ''));
  expect(bare.filter((_, index) => !Object.hasOwn(withoutHint, files[index] ?? ''))).toEqual([]);
  expect(Object.keys(withoutHint).filter((file) => !files.includes(file))).toEqual([]);
});

/** The text from here to the parenthesis that closes the first one. */
function callAt(text: string, start: number): string {
  let depth = 0;
  for (let end = start; end < text.length; end += 1) {
    if (text[end] === '(') depth += 1;
    else if (text[end] === ')') {
      depth -= 1;
      if (depth === 0) return text.slice(start, end + 1);
    }
  }
  throw new Error('a call that does not end');
}
