import { createCheck, theHead } from '../audit/chain.ts';
import type { Head } from '../audit/link.ts';
import type { MacKey } from '../audit/mac.ts';

export type ChainVerdict =
  | { readonly ok: true; readonly head: Head }
  | { readonly ok: false; readonly line: number; readonly problem: string };

/** Checks lines that a test holds as text, as `verifyLog` does those of files. */
export function verifyChain(
  lines: readonly string[],
  { head, key }: { readonly head?: Head; readonly key?: MacKey } = {},
): ChainVerdict {
  const check = createCheck({ key, vouched: head === undefined ? [] : [{ ...head, by: theHead }] });
  for (const [index, line] of lines.entries()) {
    const fault = check.take(Buffer.from(line));
    if (fault !== undefined) return { ok: false, line: index + 1, problem: fault.message };
  }
  const beginning = check.beginning();
  if (beginning !== undefined) return { ok: false, line: 1, problem: beginning };
  const missing = check.finish();
  if (missing === undefined) return { ok: true, head: check.last };
  return { ok: false, line: lines.length + 1, problem: missing.message };
}

/** A key that a test can hold. */
export function testKey(fill = 7): MacKey & { readonly isWiped: boolean } {
  const bytes = new Uint8Array(32).fill(fill);
  let isWiped = false;
  return {
    use(action) {
      if (isWiped) throw new Error('a wiped key was used');
      return action(bytes);
    },
    wipe() {
      isWiped = true;
    },
    get isWiped() {
      return isWiped;
    },
  };
}
