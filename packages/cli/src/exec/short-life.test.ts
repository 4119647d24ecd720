import { expect } from 'vitest';
import { needs } from '../../../../test/kit/needs.ts';
import { killAll, processesWith, untilGone, type Shown } from '../../../../test/kit/processes.ts';
import { deadline, execFixture } from './fixture.ts';

const { mcp, startDaemon } = execFixture();

needs('linux', 'setsid')(
  'a server that ends before anybody watches over it leaves nothing of itself either',
  deadline,
  async () => {
    const { launch } = await startDaemon({ values: { '$<T>': 'value' } });
    const script = "setsid sh -c 'sleep 300 >/dev/null 2>&1 & echo left'; exit 5";
    const ended = await mcp(['exec', '--', '/bin/sh', '-c', script], { T: '$<T>' });
    expect(ended).toMatchObject({ code: 5, stdout: 'left\n' });
    const left = (): Shown[] => processesWith('MCP_LAUNCH', launch);
    try {
      await untilGone(left);
    } finally {
      killAll(left());
    }
  },
);
