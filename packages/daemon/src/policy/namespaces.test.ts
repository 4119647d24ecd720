import { describe, expect, test } from 'vitest';
import { createAllowedNamespaces } from './namespaces.ts';

test.each<[path: string, group: string, allowed: boolean]>([
  ['/docker', '/docker', true],
  ['/docker', '/docker/1234', true],
  ['/docker/', '/docker/1234', true],
  ['/docker', '/docker-2/1234', false],
  ['/docker/1234', '/docker', false],
  ['/docker', '/user.slice/docker', false],
  ['/', '/', false],
  ['/', '/docker', false],
  ['//', '/docker', false],
])('naming %s lets %s in: %s', (path, group, allowed) => {
  expect(createAllowedNamespaces([path]).allows(group)).toBe(allowed);
});

describe('while the daemon runs', () => {
  test.each<[title: string, before: string[], after: string[], group: string, allowed: boolean]>([
    ['a path that is taken out is refused', ['/a', '/b'], ['/b'], '/a', false],
    ['a path that stays is let in', ['/a', '/b'], ['/b'], '/b', true],
    ['a path that comes in is refused', ['/a'], ['/a', '/b'], '/b', false],
    ['a narrower path counts', ['/a'], ['/a/b'], '/a/b/c', true],
    ['and what is beside it is refused', ['/a'], ['/a/b'], '/a/c', false],
    ['a wider path does not count', ['/a/b'], ['/a'], '/a/c', false],
    ['and what was let in stays so', ['/a/b'], ['/a'], '/a/b', true],
  ])('%s', (_title, before, after, group, allowed) => {
    const namespaces = createAllowedNamespaces(before);
    namespaces.configure(after);
    expect(namespaces.allows(group)).toBe(allowed);
  });

  test('B4: what was taken out does not come back', () => {
    const namespaces = createAllowedNamespaces(['/a']);
    namespaces.configure([]);
    namespaces.configure(['/a']);
    expect(namespaces.allows('/a')).toBe(false);
  });
});
