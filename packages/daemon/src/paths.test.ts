import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { daemonEnvironment } from './daemon-environment.ts';
import { expandTilde, locatePaths } from './paths.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('A2: a folder that we happen to stand in is no home', () => {
  const own = userInfo().homedir;

  test.each(['', '.', 'repository', './repository', '../repository'])('with HOME=%j', (folder) => {
    vi.stubEnv('HOME', folder);
    vi.stubEnv('MCP_HOME', '');
    expect(locatePaths().home).toBe(join(own, '.mcp'));
    expect(expandTilde('~/key')).toBe(join(own, 'key'));
    expect(daemonEnvironment('anyone')['HOME']).toBe(own);
  });

  test('without HOME', () => {
    vi.stubEnv('HOME', undefined);
    vi.stubEnv('MCP_HOME', undefined);
    expect(locatePaths().home).toBe(join(own, '.mcp'));
  });

  test.each(['.', '.mcp', '../.mcp', '~/.mcp'])('with MCP_HOME=%j', (folder) => {
    expect(() => locatePaths({ environment: { MCP_HOME: folder } })).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });
});

test('an absolute HOME and MCP_HOME count, and what was typed counts before both', () => {
  vi.stubEnv('HOME', '/h');
  expect(locatePaths({ environment: {} }).home).toBe('/h/.mcp');
  expect(locatePaths({ environment: { MCP_HOME: '/m' } }).home).toBe('/m');
  expect(locatePaths({ environment: { MCP_HOME: '/m' }, home: '/typed' }).home).toBe('/typed');
});
