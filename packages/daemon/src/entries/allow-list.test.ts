import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inheritedNames, inheritedPrefix, isAllowed } from './allow-list.ts';

test('a server of config.yaml inherits these variables and no others, and the document names them', () => {
  expect([...inheritedNames, `${inheritedPrefix}*`]).toEqual(
    'HOME LANG LANGUAGE LOGNAME PATH SHELL TERM TMPDIR TZ USER LC_*'.split(' '),
  );
  const others = 'LD_PRELOAD NODE_OPTIONS AWS_PROFILE API_TOKEN HTTPS_PROXY MCP_HOME XLC_ALL path';
  expect(others.split(' ').filter((name) => isAllowed(name, 'x'))).toEqual([]);
  expect(['LC_ALL', 'LC_TIME', 'PATH'].every((name) => isAllowed(name, 'x'))).toBe(true);
  expect(isAllowed('LANG', '() { echo; }')).toBe(false);
  const document = readFileSync(
    new URL('../../../../docs/configuration.md', import.meta.url),
    'utf8',
  );
  const [, listed = ''] = /^It inherits (.+?), and nothing else\b/msu.exec(document) ?? [];
  expect([...listed.matchAll(/`([^`]+)`/gu)].map(([, name]) => name)).toEqual([
    ...inheritedNames,
    `${inheritedPrefix}*`,
  ]);
});
