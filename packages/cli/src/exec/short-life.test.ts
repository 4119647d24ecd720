import { expect } from 'vitest';
import { needs } from '../../../../test/kit/needs.ts';
import { lives, untilGone } from '../../../../test/kit/processes.ts';
import { deadline, execFixture } from './fixture.ts';

const { mcp, startDaemon } = execFixture();

needs('linux', 'setsid')(
  'a server that ends before anybody watches over it leaves nothing of itself either',
  deadline,
  async () => {
    await startDaemon({ values: { '$<T>': 'value' } });
    const leave = 'sleep 300 >/dev/null 2>&1 & echo $!';
    const script = `setsid sh -c '${leave}'; exit 5`;
    const { code, stdout } = await mcp(['exec', '--', '/bin/sh', '-c', script], { T: '$<T>' });
    expect(code).toBe(5);
    const left = Number(stdout);
    expect(left).toBeGreaterThan(1);
    try {
      await untilGone([left]);
    } finally {
      if (lives(left)) process.kill(left, 'SIGKILL');
    }
  },
);
