import { BrokerError } from '@mcp-broker/daemon/protocol';
import { describe, expect, test, vi } from 'vitest';
import { deadline, execFixture, nameSignal, node } from './fixture.ts';

const fixture = execFixture();
const { mcp, start, startDaemon } = fixture;

describe('a wait for approval', () => {
  const args = ['exec', '--wait-approval', '5m', '--', node, nameSignal];
  const pending = [{ id: '7F3A', hint: 'in a terminal: mcp approve 7F3A' }];

  test('says once what to type, with the home that it is for, and then runs the server', async () => {
    const { requests } = await startDaemon({
      values: { '$<T>': 'v' },
      pending: [...pending, ...pending],
    });
    const said = `mcp: waiting for approval: in a terminal: mcp --home ${fixture.home} approve 7F3A\n`;
    const ended = await mcp(['--home', fixture.home, ...args], { T: '$<T>' }, (_text, kill) => {
      kill('SIGTERM');
    });
    expect(ended).toEqual({ code: 7, signal: null, stdout: 'ready\nSIGTERM\n', stderr: said });
    expect(requests).toMatchObject([{ waitMs: 300_000 }]);
  });

  test('that nobody answers ends with 77 and what to type, as without a wait', async () => {
    const refusal = new BrokerError('ERR_NOT_APPROVED', 'this launch is not approved', {
      hint: 'mcp approve 7F3A',
    });
    await startDaemon({ values: {}, pending, refusal });
    const ended = await mcp(args, { T: '$<T>' });
    expect(ended).toEqual({
      code: 77,
      signal: null,
      stdout: '',
      stderr:
        'mcp: waiting for approval: in a terminal: mcp approve 7F3A\n' +
        'mcp: error: this launch is not approved\nmcp: hint: mcp approve 7F3A\n',
    });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends at once, and the request with it',
    async (signal) => {
      const served = await startDaemon({ values: {}, pending, refusal: 'no answer' });
      const launch = start(args, { T: '$<T>' });
      launch.child.stderr?.once('data', () => launch.child.kill(signal));
      expect(await launch.ended).toMatchObject({ code: null, signal, stdout: '' });
      await vi.waitFor(() => {
        expect(served.connections).toBe(0);
      }, deadline);
    },
  );
});
