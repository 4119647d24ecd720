import { describe, expect, test } from 'vitest';
import { checkLengths, readLaunch } from './launch.ts';
import type { EnvironmentEntry } from './protocol/approvals.ts';
import type { LaunchRequest } from './protocol/messages.ts';

function request(
  environment: EnvironmentEntry[],
  args: string[] = [],
  allowArgs = false,
): LaunchRequest {
  return { command: 'node', args, path: null, environment, allowArgs };
}
const entry = (name: string, value: string): EnvironmentEntry => ({ name, value, origin: 'entry' });

describe('the references of a launch', () => {
  test('are taken once each, with every place that they go to', () => {
    const plan = readLaunch(
      request([entry('A', '$<X>'), entry('B', 'x${X}$<Y>'), entry('C', 'literal')]),
    );
    expect([...plan.references].map(([text, { into }]) => [text, into])).toEqual([
      ['$<X>', ['A', 'B']],
      ['$<Y>', ['B']],
    ]);
  });

  test('have no default when one place has none', () => {
    for (const values of [
      ['$<X:-d>', '$<X>'],
      ['$<X>', '$<X:-d>'],
    ]) {
      const plan = readLaunch(request(values.map((value, index) => entry(`N${index}`, value))));
      expect([...plan.references.values()].map((each) => each.reference)).toEqual([
        { kind: 'variable', name: 'X' },
      ]);
    }
  });

  test('are refused in arguments, unless the launch allows it', () => {
    expect(() => readLaunch(request([], ['--token=$<X>']))).toThrow(
      /argument 1 holds the reference \$<X>/u,
    );
    expect([...readLaunch(request([], ['--token=$<X>'], true)).references.keys()]).toEqual([
      '$<X>',
    ]);
  });

  test('in the other form are plain text in an argument', () => {
    expect(readLaunch(request([], ['${X}'])).references.size).toBe(0);
  });

  test('may be 64 different ones, and not one more', () => {
    const many = (count: number): EnvironmentEntry[] =>
      Array.from({ length: count }, (_, index) => entry(`N${index}`, `$<X${index}>`));
    expect(readLaunch(request(many(64))).references.size).toBe(64);
    expect(() => readLaunch(request([...many(64), entry('AGAIN', '$<X0>')]))).not.toThrow();
    expect(() => readLaunch(request(many(65)))).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        message: 'the launch has 65 references, and one launch takes 64',
        hint: expect.any(String) as string,
      }),
    );
  });

  test('may go to 40,000 places without holding up the others', () => {
    const args = Array.from({ length: 40_000 }, () => '$<X>');
    const began = performance.now();
    const [found] = readLaunch(request([], args, true)).references.values();
    expect(performance.now() - began).toBeLessThan(1500);
    expect(found?.into).toHaveLength(40_000);
    expect(found?.into.at(-1)).toBe('argument 40000');
  });

  test.each(['A=B', '', '1A', 'A B', 'Á', 'A\0'])('A4: cannot go to the name %j', (name) => {
    expect(() => readLaunch(request([entry(name, '$<X>')]))).toThrow(
      'is not a name for a variable',
    );
  });

  test('plain text of a client’s file may go to any name that an environment can have', () => {
    const names = (known: boolean): string[] =>
      ['a-b.c', '0', 'A=B', '', 'A\0'].filter((name) => {
        try {
          const templates = new Map([[name, ['x']]]);
          readLaunch({ ...request([entry(name, 'x')]), ...(known ? { templates } : {}) });
          return true;
        } catch {
          return false;
        }
      });
    expect(names(true)).toEqual(['a-b.c', '0']);
    expect(names(false)).toEqual([]);
  });
});

describe('the length of an entry', () => {
  const plan = readLaunch(request([entry('NAME', 'ab$<X>')]));
  test('may be 131071 bytes with its name', () => {
    expect(() => {
      checkLengths(plan, () => 131_071 - 'NAME=ab'.length);
    }).not.toThrow();
  });
  test('may not be one byte more, and the error names the entry', () => {
    expect(() => {
      checkLengths(plan, () => 131_072 - 'NAME=ab'.length);
    }).toThrow('the value for NAME is longer than');
  });
});
