import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createHome } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { launchOf } from '../kit/protocol.ts';
import { run, type Ended } from '../kit/run.ts';

// docs/PROTOCOL.md says that it is enough to write a client: this is one, against the daemon as built.

const client = fileURLToPath(new URL('../fixtures/client.py', import.meta.url));

test('the client has at most 100 lines, of Python’s standard library alone', () => {
  const text = readFileSync(client, 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(100);
  const imports = text.split('\n').filter((line) => /^\s*(?:import|from)\s|__import__/u.test(line));
  expect(imports).toEqual(
    ['hashlib', 'json', 'os', 'socket', 'stat', 'struct', 'sys'].map((name) => `import ${name}`),
  );
});

needs('python3')(
  'a client in Python is refused, approves with the passphrase, and takes the value',
  { timeout: 60_000 },
  async () => {
    const home = await createHome({ kind: 'sealed' });
    onTestFinished(() => home.remove());
    const value = randomBytes(24).toString('hex');
    await home.set('TOKEN', value);
    const call = (method: string, params: object = {}, input = ''): Promise<Ended> =>
      run('python3', [client, method, JSON.stringify(params)], {
        env: { PATH: home.env['PATH'], MCP_HOME: home.broker },
        input,
      });
    const launch = launchOf('TOKEN', { server: 'python' });

    const refused = await call('launch', launch);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    const { code, subject } = JSON.parse(refused.stderr) as { code: string; subject: string };
    expect(code).toBe('ERR_NOT_APPROVED');

    const list = await call('approval.list');
    const { pending } = JSON.parse(list.stdout) as {
      pending: { id: string; fingerprint: string }[];
    };
    expect(pending).toMatchObject([
      { id: subject, server: 'python', launch: { argv: ['/bin/true'] } },
    ]);
    const { id = '', fingerprint = '' } = pending[0] ?? {};

    const wrong = await call('approval.grant', { id, fingerprint }, 'not the passphrase');
    expect(JSON.parse(wrong.stderr)).toMatchObject({ code: 'ERR_PASSPHRASE' });
    const granted = await call('approval.grant', { id, fingerprint }, home.passphrase);
    expect(granted).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(granted.stdout)).toMatchObject({ grant: { lifetime: 'always' }, left: [] });

    const taken = await call('launch', launch);
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    const [values = '', ...attachments] = taken.stdout.trimEnd().split('\n');
    expect(JSON.parse(values)).toEqual({ values: { '$<TOKEN>': 0 } });
    const digest = createHash('sha256').update(value).digest('hex');
    expect(attachments).toEqual([`${value.length} ${digest}`]);
  },
);
