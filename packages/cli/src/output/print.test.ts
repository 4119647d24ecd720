import { afterEach, expect, test, vi } from 'vitest';

import { createOutput, wantsColour, type OutputOptions } from './print.ts';

function create(options: Partial<OutputOptions> = {}) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr', isTTY: boolean) => ({
    isTTY,
    write: (text: string) => (written[name] += text),
  });
  const output = createOutput({
    json: false,
    quiet: false,
    colour: true,
    stdout: sink('stdout', false),
    stderr: sink('stderr', false),
    ...options,
  });
  return { output, written, sink };
}

test('results go to stdout, notes and warnings to stderr', () => {
  const { output, written } = create();
  output.result('a\n', {});
  output.done('b', {});
  output.note('c');
  output.warn('d');
  expect(written).toEqual({ stdout: 'a\nb\n', stderr: 'mcp: c\nmcp: warning: d\n' });
});

test('--quiet keeps results and warnings alone', () => {
  const { output, written } = create({ quiet: true });
  output.result('a\n', {});
  output.done('b', {});
  output.note('c');
  output.aside('e\n');
  output.warn('d');
  expect(written).toEqual({ stdout: 'a\n', stderr: 'mcp: warning: d\n' });
});

test('--json prints a result or a confirmation as one document, also with --quiet', () => {
  const { output, written } = create({ json: true, quiet: true });
  output.done('stored', { name: 'A' });
  expect(JSON.parse(written.stdout)).toEqual({ name: 'A' });
});

test('a line of a stream is escaped for a person, and whole with --json', () => {
  const person = create();
  person.output.line('a\u001b[31m');
  expect(person.written.stdout).toBe('a\\e[31m\n');
  const program = create({ json: true });
  program.output.line('{"a":1}');
  expect(program.written.stdout).toBe('{"a":1}\n');
});

test('colour needs a terminal, and nobody who refuses it', () => {
  const { sink } = create();
  const terminal = { stdout: sink('stdout', true) };
  expect(create(terminal).output.style('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  expect(create().output.style('red', 'x')).toBe('x');
  expect(create({ ...terminal, colour: false }).output.style('red', 'x')).toBe('x');
  expect(wantsColour(false, {})).toBe(true);
  expect(wantsColour(true, {})).toBe(false);
  expect(wantsColour(false, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(false, { NO_COLOR: '' })).toBe(true);
  expect(wantsColour(false, { TERM: 'dumb' })).toBe(false);
});

afterEach(() => {
  vi.useRealTimers();
});

test('what is waited for is said after a second, once, and taken back', () => {
  vi.useFakeTimers();
  const { sink, written } = create();
  const { output } = create({ progress: true, stderr: sink('stderr', true) });
  const quick = output.progress('quick');
  vi.advanceTimersByTime(999);
  quick();
  expect(written.stderr).toBe('');
  const finish = output.progress('slow');
  const inner = output.progress('part of it');
  vi.advanceTimersByTime(5000);
  expect(written.stderr).toBe('mcp: slow …');
  inner();
  finish();
  expect(written.stderr).toBe('mcp: slow …\r\u001b[K');
});

test.each([
  ['in a pipe', { progress: true }, false],
  ['on a terminal that cannot erase', { progress: false }, true],
  ['with --quiet', { progress: true, quiet: true }, true],
])('%s nothing is said of waiting', (_where, options, isTTY) => {
  vi.useFakeTimers();
  const { sink, written } = create();
  const finish = create({ ...options, stderr: sink('stderr', isTTY) }).output.progress('slow');
  vi.advanceTimersByTime(5000);
  finish();
  expect(written.stderr).toBe('');
});
