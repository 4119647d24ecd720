import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import type { Pty, PtyEnd } from '../../../../test/kit/pty.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';
import { isGroup, type Spec } from './spec.ts';
import { tree } from './tree.ts';

const passphrase = 'a passphrase';
const fd3 = `${passphrase}\n`;

let home: SourceHome;
let fresh: SourceHome;
beforeAll(async () => {
  home = createSourceHome();
  fresh = createSourceHome();
  await home.must(['init', '--yes', '--fd', '3'], { fd3 });
  writeFileSync(join(home.folder, 'server.js'), 'process.exit(process.env.API_TOKEN ? 0 : 1);');
}, 60_000);
afterAll(async () => {
  await home.remove();
  await fresh.remove();
});

/** What an example takes for granted, besides an unlocked home that holds API_TOKEN. */
const before: Readonly<Record<string, () => Promise<unknown>>> = {
  'mcp approve': request,
  'mcp deny': () => requestOf('mcp exec --server github'),
  'mcp exec': approved,
  'mcp run': approved,
  'mcp unlock': () => home.must(['lock']),
  'mcp daemon run': () => home.must(['daemon', 'stop']),
};

/** What an example before this one decided is taken back. */
async function requestOf(exec: string): Promise<void> {
  await home.must(['approvals', 'revoke', '--all']);
  const line = `${exec} --env API_TOKEN='$<API_TOKEN>' -- node server.js`;
  expect((await home.shell(line)).code).toBe(77);
}

async function request(): Promise<void> {
  await requestOf('mcp exec');
}

async function approved(): Promise<void> {
  await request();
  await home.must(['approve', '--fd', '3'], { fd3 });
}

/** Does what a person would: types what is asked for, and stops what does not end by itself. */
async function attend(pty: Pty, endless: boolean): Promise<PtyEnd> {
  if (endless) {
    await pty.see(/listening on/u);
    pty.type('\u0003');
  }
  const asks =
    /(?:passphrase|again|Passphrase|Value of \w+): |code: (\w{4})\n[^]*(?:approve|value): /u;
  for (;;) {
    const asked = await pty.see(asks).catch(() => undefined);
    if (asked === undefined) return pty.ended;
    pty.type(`${asked[1] ?? passphrase}\r`);
  }
}

function leaves(specs: readonly Spec[], path: readonly string[]): (readonly string[])[] {
  return specs.flatMap((spec) =>
    isGroup(spec) ? leaves(spec.commands, [...path, spec.name]) : [[...path, spec.name]],
  );
}

describe.skipIf(lacks('linux', 'python3'))(
  'the example at the end of the help runs as it stands there',
  () => {
    test.each(leaves(tree, []).map((path) => [['mcp', ...path].join(' '), path] as const))(
      '%s',
      async (command, path) => {
        const where = path.includes('init') ? fresh : home;
        const help = await where.mcp([...path, '--help']);
        const example = /\n\nExample:\n((?: {2}.*\n)+)$/u.exec(help.stdout)?.[1] ?? '';
        expect(example).toContain(command);
        if (where === home) {
          await home.must(['unlock', '--fd', '3'], { fd3 });
          await home.must(['secret', 'set', 'API_TOKEN', '--stdin'], { input: 'value' });
        }
        await before[command]?.();
        // The shell is replaced by what does not end by itself, or it would end by the Ctrl-C as well.
        const endless = command === 'mcp daemon run';
        const line = endless ? `exec ${example.trim()}` : `set -e\n${example}`;
        const { code, shown, restored } = await attend(where.terminal(line), endless);
        expect({ code, restored, shown }).toEqual({
          code: 0,
          restored: true,
          shown: expect.not.stringContaining(passphrase) as string,
        });
      },
      60_000,
    );
  },
);
