import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Home } from './home.ts';
import type { Ended, RunOptions } from './run.ts';

/** One finding of `mcp doctor --json`. */
export interface Found {
  readonly id: string;
  readonly severity: 'wrong' | 'advice';
  readonly subject: string;
  readonly cause: string;
  readonly remedy: string;
  readonly fixable: boolean;
  readonly fixed: boolean;
}

export interface Diagnosis {
  readonly code: number;
  readonly ok: boolean;
  readonly findings: readonly Found[];
  readonly stderr: string;
}

/** Runs `mcp doctor` and holds its answer to its own rules. */
export async function examine(
  home: Home,
  words: readonly string[] = [],
  options: RunOptions = {},
): Promise<Diagnosis> {
  const place = { cwd: home.folder, ...options };
  return diagnosisOf(await home.mcp([...words, 'doctor', '--json'], place));
}

export async function mend(home: Home, options: RunOptions = {}): Promise<Diagnosis> {
  const place = { cwd: home.folder, ...options };
  return diagnosisOf(await home.mcp(['doctor', '--fix', '--json'], place));
}

export function diagnosisOf({ code, stdout, stderr }: Ended): Diagnosis {
  if (stdout === '') throw new Error(`exit ${code}: ${stderr}`);
  const result = JSON.parse(stdout) as Pick<Diagnosis, 'ok' | 'findings'>;
  const isWrong = result.findings.some(({ severity, fixed }) => severity === 'wrong' && !fixed);
  expect([code, result.ok], stdout).toEqual(isWrong ? [1, false] : [0, true]);
  for (const { subject, cause, remedy } of result.findings) {
    for (const text of [subject, cause, remedy]) expect(text).toMatch(/^[^\n]+$/u);
  }
  return { code, stderr, ...result };
}

/** Ids in the order in which they were told. */
export function idsOf({ findings }: Diagnosis): string[] {
  return findings.map(({ id }) => id);
}

/** What `--fix` has mended, and a second run that finds and changes nothing more of it. */
export async function expectMended(
  home: Home,
  ids: readonly string[],
  options: RunOptions = {},
): Promise<Diagnosis> {
  const first = await mend(home, options);
  expect(first.findings.filter(({ fixed }) => fixed).map(({ id }) => id)).toEqual(ids);
  const second = await mend(home, options);
  expect(second.findings.filter(({ fixable }) => fixable)).toEqual([]);
  return first;
}

/** A file below the person's folder, 0600. */
export function writeFileIn(home: Home, path: string, text: string): string {
  const file = join(home.folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** A file of Cursor with these entries. */
export function writeCursor(home: Home, servers: Readonly<Record<string, unknown>>): string {
  return writeFileIn(home, '.cursor/mcp.json', JSON.stringify({ mcpServers: servers }));
}
