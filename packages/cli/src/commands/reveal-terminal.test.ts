import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

let home: SourceHome;
beforeAll(async () => {
  home = createSourceHome();
  await home.must(['init', '--yes', '--fd', '3'], { fd3: 'pass' });
  await home.must(['secret', 'set', 'API_TOKEN', '--stdin'], { input: 'hunter2' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const reveal = 'mcp secret show API_TOKEN --reveal';

async function revealsInAudit(): Promise<string[]> {
  const { stdout } = await home.must(['audit', 'tail', '-n', '500', '--json']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; outcome: string })
    .filter(({ event }) => event === 'reveal')
    .map(({ outcome }) => outcome);
}

describe.skipIf(lacks('linux', 'python3'))('mcp secret show --reveal on a real terminal', () => {
  test('shows the value after the code, and it is written down', async () => {
    const pty = home.terminal(`exec ${reveal}`);
    const [, code = ''] = await pty.see(/"API_TOKEN"[^]*\ncode: (\w{4})\n/u);
    await pty.see(/value: /u);
    expect(pty.shown).not.toContain('hunter2');
    pty.type(`${code}\r`);
    const end = await pty.ended;
    expect(end).toMatchObject({ code: 0, restored: true });
    expect(end.shown).toMatch(/\nhunter2\n$/u);
    expect(await revealsInAudit()).toEqual(['allowed']);
  });

  test('shows nothing after a wrong code, which is written down too', async () => {
    const pty = home.terminal(`exec ${reveal}`);
    const [, code = ''] = await pty.see(/\ncode: (\w{4})\n/u);
    await pty.see(/value: /u);
    pty.type(code === 'AAAA' ? 'BBBB\r' : 'AAAA\r');
    const end = await pty.ended;
    expect(end).toMatchObject({ code: 77, restored: true });
    expect(end.shown).not.toContain('hunter2');
    expect(await revealsInAudit()).toEqual(['allowed', 'denied']);
  });

  test('leaves the terminal as it was at Ctrl-C', async () => {
    const pty = home.terminal(`exec ${reveal}`);
    await pty.see(/value: /u);
    pty.type('\u0003');
    const end = await pty.ended;
    expect(end).toMatchObject({ code: 130, restored: true });
    expect(end.shown).not.toContain('hunter2');
  });

  test('takes the passphrase of a descriptor', async () => {
    const pty = home.terminal(`printf pass > word; exec ${reveal} --fd 3 3< word`);
    const end = await pty.ended;
    expect(end).toMatchObject({ code: 0, restored: true });
    expect(end.shown).toMatch(/hunter2\n$/u);
  });

  test.each([
    ['a pipe', `${reveal} | cat; exit`],
    ['a file', `${reveal} > value`],
    ['JSON', `${reveal} --json`],
    ['a pipe, with the passphrase', `printf pass > word; ${reveal} --fd 3 3< word | cat`],
  ])('gives nothing to %s', async (_what, line) => {
    const before = await revealsInAudit();
    const { shown } = await home.terminal(`${line}; cat value 2> /dev/null`).ended;
    expect(shown).toMatch(
      /mcp: error: [^\n]*\nmcp: hint: a program gets it through its environment/u,
    );
    expect(shown).not.toContain('hunter2');
    expect(await revealsInAudit()).toEqual(before);
  });

  test('without any terminal is refused', async () => {
    const { code, stdout } = await home.mcp(['secret', 'show', 'API_TOKEN', '--reveal']);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  });

  test('escapes what the terminal would act on', async () => {
    await home.must(['secret', 'set', 'NASTY', '--stdin'], { input: '\u001b[2Ja\0' });
    const pty = home.terminal('exec mcp secret show NASTY --reveal');
    const [, code = ''] = await pty.see(/\ncode: (\w{4})\n/u);
    await pty.see(/value: /u);
    pty.type(`${code}\r`);
    const { shown } = await pty.ended;
    expect(shown).toContain('\n\\x1b[2Ja\\x00\n');
    expect(shown).toContain('NN stands for a byte');
  });
});
