import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import type { Pty } from '../../../../test/kit/pty.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

let home: SourceHome;
beforeAll(async () => {
  home = createSourceHome();
  await home.must(['init', '--yes', '--fd', '3'], { fd3: 'pass' });
  await home.must(['secret', 'set', 'API_TOKEN', '--stdin'], { input: 'value' });
  await home.must(['secret', 'set', 'OPTIONS', '--stdin'], { input: '--no-warnings' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

afterEach(async () => {
  for (const id of await pendingIds()) await home.must(['deny', id, '--for', 'once']);
});

type Names = readonly string[];

/** A launch of `true`, which takes any argument. */
function launch(args: Names, { server, env }: { server?: string; env?: Names } = {}): string[] {
  const entries = (env ?? ['API_TOKEN=$<API_TOKEN>']).flatMap((entry) => ['--env', entry]);
  return [
    'exec',
    ...(server === undefined ? [] : ['--server', server]),
    ...entries,
    '--',
    'true',
    ...args,
  ];
}

const codeOf = async (line: readonly string[]): Promise<number> => (await home.mcp(line)).code;

/** Leafs to the end as a person does, and types the code. */
async function typeCode(
  pty: Pty,
  change: (code: string) => string = (code) => code,
): Promise<void> {
  for (;;) {
    const [, code] = await pty.see(/-- more --|[\r\n]code: (\w{4})\n[^]*approve: /u);
    pty.type(code === undefined ? ' ' : `${change(code)}\r`);
    if (code !== undefined) return;
  }
}

/** Asks for it, and approves what is shown. */
async function approveOn(line: readonly string[], words = ''): Promise<string> {
  expect(await codeOf(line)).toBe(77);
  const pty = home.terminal(`exec mcp approve ${words}`);
  await typeCode(pty);
  const { code, shown } = await pty.ended;
  expect({ code, shown }).toMatchObject({ code: 0 });
  return shown;
}

async function pendingIds(): Promise<string[]> {
  const { stdout } = await home.must(['approvals', '--json']);
  return (JSON.parse(stdout) as { pending: { id: string }[] }).pending.map(({ id }) => id);
}

describe.skipIf(lacks('linux', 'python3'))('mcp approve on a real terminal', () => {
  const nasty = launch(['\u001b[2J']);

  test('refuses a wrong code with 77, and the request still waits', async () => {
    expect(await codeOf(nasty)).toBe(77);
    const pty = home.terminal('exec mcp approve');
    await typeCode(pty, (code) => (code === 'AAAA' ? 'BBBB' : 'AAAA'));
    const { code: status, shown, restored } = await pty.ended;
    expect(shown).toContain('"\\e[2J"');
    expect({ status, restored }).toEqual({ status: 77, restored: true });
    expect((await pendingIds()).length).toBe(1);
  });

  test('takes the right one in small letters, and the launch runs', async () => {
    expect(await codeOf(nasty)).toBe(77);
    const pty = home.terminal('exec mcp approve');
    await typeCode(pty, (code) => code.toLowerCase());
    expect((await pty.ended).code).toBe(0);
    expect(await codeOf(nasty)).toBe(0);
    expect(await codeOf(['approve'])).toBe(66);
  });

  test('is given up by Ctrl-C with 130', async () => {
    expect(await codeOf(launch(['given up']))).toBe(77);
    const pty = home.terminal('exec mcp approve');
    await pty.see(/approve: /u);
    pty.type('\u0003');
    expect(await pty.ended).toMatchObject({ code: 130, restored: true });
  });

  test('leaves what steers the process until it is named', async () => {
    const line = launch(['by name'], {
      env: ['API_TOKEN=$<API_TOKEN>', 'NODE_OPTIONS=$<OPTIONS>'],
    });
    const shown = await approveOn(line);
    expect(shown).toContain('as "NODE_OPTIONS" it steers the process: approve it by name');
    const [id = ''] = await pendingIds();
    expect(shown).toContain(`OPTIONS still waits: mcp approve ${id} OPTIONS\n`);
    expect(await codeOf(['approve', id])).toBe(64);
    expect(await approveOn(line, `${id} OPTIONS`)).toMatch(/\nhas already +"API_TOKEN"\n/u);
    expect(await codeOf(line)).toBe(0);
  });

  test('shows first what has changed since it was approved', async () => {
    await approveOn(launch(['--mode', 'safe'], { server: 'changing' }));
    const shown = await approveOn(launch(['--mode', 'wild'], { server: 'changing' }));
    expect(shown).toMatch(
      /^changed since it was approved:\n {2}argument 2\n {4}- "safe"\n {4}\+ "wild"\nthe whole request:\nrequest /u,
    );
  });

  test('has the signs of a change without colour, and with it', async () => {
    expect(await codeOf(launch(['--mode', 'other'], { server: 'changing' }))).toBe(77);
    const pty = home.terminal('exec mcp --no-color approve');
    await pty.see(/ {4}- "(?:safe|wild)"\n {4}\+ "other"\n/u);
    await typeCode(pty);
    expect((await pty.ended).code).toBe(0);
  });

  test('marks a name that is not what it reads as', async () => {
    const shown = await approveOn(launch(['pаypal'], { server: 'gіthub' }));
    expect(shown).toContain('"pаypal" <look-alike: contains U+0430>');
    expect(shown).toContain('"gіthub" <look-alike: contains U+0456> (as the caller says)');
  });

  test('in a workspace holds there and not elsewhere', async () => {
    await home.shell('mkdir -p project/inner other');
    const line = launch(['in a workspace']);
    const at = async (folder: string): Promise<number> =>
      (await home.mcp(line, { cwd: `${home.folder}/${folder}` })).code;
    expect(await at('project')).toBe(77);
    expect(await codeOf(['approve', '--workspace', 'other'])).toBe(64);
    const pty = home.terminal('exec mcp approve --workspace project');
    await typeCode(pty);
    expect((await pty.ended).code).toBe(0);
    expect([await at('project'), await at('project/inner'), await at('other')]).toEqual([0, 0, 77]);
  });

  test('for once holds for one launch', async () => {
    const line = launch(['once']);
    expect(await approveOn(line, '--for once')).toContain('for        once: for the next launch');
    expect(await codeOf(line)).toBe(0);
  });
});

describe.skipIf(lacks('linux', 'python3'))('a request that is longer than the terminal', () => {
  const count = 9000;
  const long = launch(Array.from({ length: count }, (_, index) => `--n=${index}`));

  test('is shown page by page, each argument, and the code at its end', async () => {
    // Against nothing that was approved: there is no difference to show.
    await home.must(['approvals', 'revoke', '--all']);
    expect(await codeOf(long)).toBe(77);
    const pty = home.terminal('stty rows 30 cols 60; exec mcp approve');
    await pty.see(/-- more -- 29 of 9\d\d\d lines/u);
    expect(pty.shown).not.toContain('code: ');
    pty.type(' '.repeat(400));
    await typeCode(pty);
    const { code, shown, restored } = await pty.ended;
    expect({ code, restored }).toEqual({ code: 0, restored: true });
    const seen = new Set(
      Array.from(shown.matchAll(/"--n=(\d+)"\n/gu), ([, index]) => Number(index)),
    );
    expect(seen.size).toBe(count);
    expect(await codeOf(long)).toBe(0);
  }, 60_000);

  test.each([
    ['q', 77, /given up before its end/u],
    ['\u0003', 130, /-- more --/u],
  ])('is given up by %j with %i, and no code was shown', async (key, status, says) => {
    const line = [...long, key.charCodeAt(0).toString()];
    expect(await codeOf(line)).toBe(77);
    const pty = home.terminal('stty rows 30 cols 60; exec mcp approve');
    await pty.see(/-- more --/u);
    pty.type(`  \r${key}`);
    const { code, shown, restored } = await pty.ended;
    expect({ code, restored }).toEqual({ code: status, restored: true });
    expect(shown).toMatch(says);
    expect(shown).not.toContain('code: ');
  });

  test('B24: has no row that begins with the words of whoever wrote it', async () => {
    const text = `${' '.repeat(40)}${'code: AAAA '.repeat(40)}`;
    expect(await codeOf(launch([text]))).toBe(77);
    const pty = home.terminal('stty rows 60 cols 60; exec mcp approve');
    await typeCode(pty);
    const rows = (await pty.ended).shown.split('\n');
    expect(rows.filter((row) => row.startsWith('code: '))).toHaveLength(1);
    expect(rows.filter((row) => row.includes('AAAA')).length).toBeGreaterThan(5);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(100);
  });

  test('is not handed to the program that PAGER names', async () => {
    expect(await codeOf(launch(['pager']))).toBe(77);
    const pty = home.terminal('stty rows 8; PAGER="touch paged" exec mcp approve');
    await typeCode(pty);
    expect((await pty.ended).code).toBe(0);
    expect((await home.shell('ls paged')).code).not.toBe(0);
  });
});

describe.skipIf(lacks('linux', 'python3'))('what was decided', () => {
  test('a denied launch is refused without asking, until that is revoked', async () => {
    const line = launch(['denied'], { server: 'bad' });
    expect(await codeOf(line)).toBe(77);
    const { stdout, stderr } = await home.must(['deny', 'bad']);
    expect(stdout).toMatch(/^denied \w{4}: the same launch is refused until lock or stop\n$/u);
    const refused = await home.mcp(line);
    expect({ code: refused.code, pending: await pendingIds() }).toEqual({ code: 77, pending: [] });
    expect((await home.must(['approvals'])).stdout).toMatch(/\n\w{4} +denied +bad +true denied/u);
    const [, id = ''] = /mcp approvals revoke (\w{4})/u.exec(stderr) ?? [];
    await home.must(['approvals', 'revoke', id]);
    expect([await codeOf(line), (await pendingIds()).length]).toEqual([77, 1]);
  });

  test('a grant that is revoked by the name of its server asks again', async () => {
    const line = launch(['revoked'], { server: 'gone' });
    await approveOn(line);
    expect(await codeOf(line)).toBe(0);
    expect((await home.must(['approvals', 'revoke', 'gone'])).stdout).toMatch(/^revoked \w{4}\n$/u);
    expect(await codeOf(line)).toBe(77);
    expect(await codeOf(['approvals', 'revoke', 'gone'])).toBe(66);
  });

  test('all of it is taken back at once', async () => {
    await home.must(['approvals', 'revoke', '--all']);
    const { stdout } = await home.must(['approvals', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ grants: [] });
    expect((await home.must(['approvals', 'revoke', '--all'])).stdout).toContain(
      'nothing was there',
    );
  });
});
