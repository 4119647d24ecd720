import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

let home: SourceHome;
beforeAll(async () => {
  home = createSourceHome();
  await home.must(['init', '--yes', '--fd', '3'], { fd3: 'pass' });
  await home.must(['secret', 'set', 'API_TOKEN', '--stdin'], { input: 'value' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const launch = ['exec', '--env', 'API_TOKEN=$<API_TOKEN>', '--', '/bin/sh', '-c', 'true \u001b[2J'];

describe.skipIf(lacks('linux', 'python3'))('mcp approve on a real terminal', () => {
  test('refuses a wrong code with 77, and the request still waits', async () => {
    expect((await home.mcp(launch)).code).toBe(77);
    const pty = home.terminal('exec mcp approve');
    const [, code = ''] = await pty.see(/\ncode: (\w{4})\n/u);
    await pty.see(/approve: /u);
    pty.type(code === 'AAAA' ? 'BBBB\r' : 'AAAA\r');
    const { code: status, shown, restored } = await pty.ended;
    expect(shown).toContain('"true \\e[2J"');
    expect({ status, restored }).toEqual({ status: 77, restored: true });
    expect((await home.mcp(launch)).code).toBe(77);
  });

  test('takes the right one in small letters, and the launch runs', async () => {
    const pty = home.terminal('exec mcp approve');
    const [, code = ''] = await pty.see(/\ncode: (\w{4})\n/u);
    await pty.see(/approve: /u);
    pty.type(`${code.toLowerCase()}\r`);
    expect((await pty.ended).code).toBe(0);
    expect((await home.mcp(launch)).code).toBe(0);
    expect((await home.mcp(['approve'])).code).toBe(66);
  });

  test('is given up by Ctrl-C with 130', async () => {
    const other = [...launch, 'more'];
    expect((await home.mcp(other)).code).toBe(77);
    const pty = home.terminal('exec mcp approve');
    await pty.see(/approve: /u);
    pty.type('\u0003');
    expect(await pty.ended).toMatchObject({ code: 130, restored: true });
  });
});
