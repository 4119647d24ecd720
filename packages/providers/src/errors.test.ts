import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { BrokerError, combineErrors, type ErrorCode, type ErrorShape } from './errors.ts';

/** One of each exit status that combined failures can have, the one with precedence first. */
const byPrecedence: readonly ErrorCode[] = [
  'ERR_USAGE', // 64
  'ERR_LOCKED', // 75
  'ERR_UNKNOWN_VARIABLE', // 66
  'ERR_NOT_APPROVED', // 77
  'ERR_BACKEND_UNAVAILABLE', // 69
  'ERR_VALUE', // 78
];
/** Those that precedence does not name. */
const rest: readonly ErrorCode[] = [
  'ERR_INTERNAL',
  'ERR_CHECK_FAILED',
  'ERR_NOT_EXECUTABLE',
  'ERR_COMMAND_NOT_FOUND',
];

function failure(code: ErrorCode, subject: string = code): BrokerError {
  return new BrokerError(code, `${subject} failed`, { hint: `hint of ${subject}`, subject });
}

const pairs = byPrecedence.flatMap((first, index) =>
  [...byPrecedence.slice(index + 1), ...rest].map((second) => [first, second] as const),
);

test.each(pairs)('%s goes before %s, in whichever order they happened', (first, second) => {
  for (const errors of [
    [failure(first), failure(second)],
    [failure(second), failure(first)],
  ]) {
    const { code, exitCode, hint, message, problems } = combineErrors(errors);
    expect({ code, exitCode, hint }).toEqual({
      code: first,
      exitCode: failure(first).exitCode,
      hint: `hint of ${first}`,
    });
    expect(message).toBe(errors.map((error) => error.message).join('; '));
    expect(problems).toEqual(errors.map((error) => error.toShape()));
  }
});

test('of many failures the message names every subject, in the order of the request', () => {
  const codes = [...rest, ...byPrecedence.toReversed()];
  const combined = combineErrors(codes.map((code, index) => failure(code, `VARIABLE_${index}`)));
  expect(combined.code).toBe('ERR_USAGE');
  expect(combined.hint).toBe(`hint of VARIABLE_${codes.length - 1}`);
  expect(combined.message).toBe(codes.map((_, index) => `VARIABLE_${index} failed`).join('; '));
  expect(combined.problems.map(({ code }) => code)).toEqual(codes);
});

test('of failures with the same exit status the first of the request gives code and hint', () => {
  const combined = combineErrors([
    failure('ERR_BACKEND_THROTTLED', 'A'),
    failure('ERR_BACKEND_UNAVAILABLE', 'B'),
  ]);
  expect(combined).toMatchObject({ code: 'ERR_BACKEND_THROTTLED', hint: 'hint of A' });
});

test('a single failure stays as it is, and none at all is a bug', () => {
  const single = failure('ERR_LOCKED');
  expect(combineErrors([single])).toBe(single);
  expect(() => combineErrors([])).toThrow(RangeError);
});

test.each([
  [[true, true], true],
  [[true, false], false],
  [[false, true], false],
  [[false, false], false],
])('failures of which %j are retryable are together: %s', (each, expected) => {
  const errors = each.map(
    (retryable) => new BrokerError('ERR_BACKEND_UNAVAILABLE', 'no answer', { retryable }),
  );
  expect(combineErrors(errors).retryable).toBe(expected);
});

test.each<[string, ErrorShape]>([
  ['code and message', { code: 'ERR_DENIED', message: 'no' }],
  [
    'every member',
    {
      code: 'ERR_UNKNOWN_VARIABLE',
      message: 'A failed; B failed',
      hint: 'mcp secret set A',
      subject: 'A',
      retryable: true,
      problems: [
        { code: 'ERR_UNKNOWN_VARIABLE', message: 'A failed', hint: 'mcp secret set A' },
        { code: 'ERR_LOCKED', message: 'B failed', subject: 'B', retryable: true },
      ],
    },
  ],
])('an error of %s comes back whole from its shape', (_title, shape) => {
  const error = BrokerError.fromShape(shape);
  expect(error).toBeInstanceOf(BrokerError);
  expect(error.toShape()).toEqual(shape);
  expect(BrokerError.fromShape(JSON.parse(JSON.stringify(error.toShape()))).toShape()).toEqual(
    shape,
  );
});

test('A7: the cause is there for a debugger, and in nothing that is printed or sent', () => {
  const canary = 'hunter2-of-an-sdk';
  const cause = Object.assign(new Error(canary), { request: { headers: { token: canary } } });
  const error = new BrokerError('ERR_BACKEND_DENIED', 'refused', { cause });
  expect(error.cause).toBe(cause);
  const printed = [
    JSON.stringify(error),
    JSON.stringify(error.toShape()),
    JSON.stringify(Object.assign({}, error)),
    JSON.stringify(BrokerError.fromShape(error.toShape())),
    inspect(error, { depth: Infinity }),
    inspect(error, { depth: Infinity, showHidden: true }),
    inspect(error.toShape(), { depth: Infinity, showHidden: true }),
    String(error),
    error.stack,
    ...combineErrors([error, failure('ERR_LOCKED')]).problems.map((each) => JSON.stringify(each)),
    JSON.stringify(combineErrors([error, failure('ERR_LOCKED')])),
  ];
  for (const text of printed) expect(text).not.toContain(canary);
});
