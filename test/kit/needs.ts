import { spawnSync } from 'node:child_process';
import { test, type TestAPI } from 'vitest';

/** What is missing fails a test rather than skip it. */
export const isRequired: boolean = process.env['MCP_TEST_REAL'] === 'require';

/**
 * `test` for a machine that has what is named; elsewhere the test is skipped and one line says why,
 * unless `MCP_TEST_REAL=require`: then it runs, and fails.
 */
export function needs(...what: readonly Need[]): TestAPI {
  return lacks(...what) ? (test.skip as unknown as TestAPI) : test;
}

type Need = 'root' | 'linux' | (string & {});

/** The same for `describe.skipIf` and `test.skipIf`. */
export function lacks(...what: readonly Need[]): boolean {
  const missing = what.filter((each) => !has(each));
  if (missing.length === 0 || isRequired) return false;
  process.stderr.write(`skipped: needs ${missing.join(', ')}\n`);
  return true;
}

/**
 * What a test needs is there, and does not run on this machine, for this reason: true when the test is
 * to be skipped. Throws where it has to run.
 */
export function cannotRun(reason: string): boolean {
  if (isRequired) throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return true;
}

function has(what: string): boolean {
  if (what === 'root') return process.getuid?.() === 0;
  if (what === 'linux') return process.platform === 'linux';
  return spawnSync('sh', ['-c', `command -v ${what}`]).status === 0;
}
