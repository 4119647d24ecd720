import { expect, onTestFinished } from 'vitest';
import { sdkV2 } from '../../kit/clients/sdk-v2.ts';
import { auditLines, createHome, expectSuccess, mcpCommand } from '../../kit/home.ts';
import { needs } from '../../kit/needs.ts';
import { officialServer } from '../../kit/servers.ts';

needs('linux')(
  'the official client that probes is one request, and one approval for once',
  async () => {
    const home = await createHome({ kind: 'sealed' });
    onTestFinished(() => home.remove());
    await home.set('TOKEN', 'value of the token');
    const server = ['node', officialServer('everything')];
    const args = ['exec', '--env', 'TOKEN=$<TOKEN>', '--', ...server];
    const visit = {
      launch: { command: mcpCommand, args, env: home.env, cwd: home.folder },
      calls: [{ tool: 'get-env', arguments: {} }],
      whileRunning: async () => undefined,
      answered: () => undefined,
    };

    await expect(sdkV2('auto')(visit)).rejects.toThrow(/closed/iu);
    const { stdout } = expectSuccess(await home.mcp(['approvals', 'list', '--json']));
    const { pending } = JSON.parse(stdout) as { pending: { id: string }[] };
    expect(pending).toHaveLength(1);
    const approve = ['approve', pending[0]?.id ?? '', '--for', 'once', '--fd', '3'];
    expectSuccess(await home.mcp(approve, { fd3: `${home.passphrase}\n` }));

    const { answers } = await sdkV2('auto')(visit);
    expect(JSON.stringify(answers)).toContain('value of the token');
    const lines = await auditLines(home);
    expect(
      lines.filter((line) => line['event'] === 'launch').map((line) => line['outcome']),
    ).toEqual(['allowed', 'allowed']);
  },
);
