import { describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { startPty, type Pty } from '../../../../test/kit/pty.ts';

const module = new URL('prompt.ts', import.meta.url).href;
const script = `
  import { openTerminal } from ${JSON.stringify(module)};
  const terminal = openTerminal();
  try {
    const secret = await terminal.ask('Secret: ', { hidden: true });
    const code = await terminal.ask('Code: ', { hidden: false });
    console.log(JSON.stringify({ secret: secret.toString(), code: code.toString() }));
  } catch (error) {
    console.log(error.name, error.code);
    process.exitCode = error.exitCode;
  } finally {
    terminal.close();
  }
`;

function start(): Pty {
  const args = ['--conditions=dev', '--input-type=module', '-e', script];
  return startPty(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '' } });
}

describe.skipIf(lacks('python3'))('a prompt on the terminal', () => {
  test('shows nothing of a secret, and all of what is not one', async () => {
    const pty = start();
    await pty.see(/Secret: /u);
    pty.type('hunter3\u007f2\r');
    await pty.see(/Code: /u);
    pty.type('K7Q4\r');
    const { code, shown, restored } = await pty.ended;
    expect(shown.split('{')[0]).not.toContain('hunter');
    expect(shown).toContain('Code: K7Q4');
    expect(shown).toContain('{"secret":"hunter2","code":"K7Q4"}');
    expect({ code, restored }).toEqual({ code: 0, restored: true });
  });

  test('takes what is typed ahead for the next question', async () => {
    const pty = start();
    await pty.see(/Secret: /u);
    pty.type('one\rtwo\r');
    expect((await pty.ended).shown).toContain('{"secret":"one","code":"two"}');
  });

  test('keeps the lines of a paste together', async () => {
    const pty = start();
    await pty.see(/Secret: /u);
    pty.type('\u001b[200~-----BEGIN\rkey\r\u001b[201~\r');
    await pty.see(/Code: /u);
    pty.type('x\r');
    expect((await pty.ended).shown).toContain('"secret":"-----BEGIN\\nkey"');
  });

  test('gives up at Ctrl-C with 130, and the terminal is as it was', async () => {
    const pty = start();
    await pty.see(/Secret: /u);
    pty.type('hun\u0003');
    expect(await pty.ended).toMatchObject({ code: 130, restored: true });
  });

  test('gives up at Ctrl-D with a usage error', async () => {
    const pty = start();
    await pty.see(/Secret: /u);
    pty.type('\u0004');
    const { code, shown, restored } = await pty.ended;
    expect(shown).toContain('ERR_USAGE');
    expect({ code, restored }).toEqual({ code: 64, restored: true });
  });
});
