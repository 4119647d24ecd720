import { afterEach, expect, test, vi } from 'vitest';
import { daemonEnvironment, daemonVariables } from './daemon-environment.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the daemon is given little, and nothing that it would drop', () => {
  vi.stubEnv('GITHUB_TOKEN', 'hunter2');
  vi.stubEnv('NODE_OPTIONS', '--inspect');
  vi.stubEnv('PATH', '/evil');
  vi.stubEnv('TZ', 'UTC');
  vi.stubEnv('CREDENTIALS_DIRECTORY', '/run/credentials/x');
  const [first, service] = (['anyone', 'service'] as const).map(daemonEnvironment);
  expect(first).toMatchObject({ TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin' });
  expect(first).not.toHaveProperty('CREDENTIALS_DIRECTORY');
  expect(service).toEqual({ ...first, CREDENTIALS_DIRECTORY: '/run/credentials/x' });
  expect(Object.keys(service ?? {}).filter((name) => !daemonVariables.has(name))).toEqual([]);
});
