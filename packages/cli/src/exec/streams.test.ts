import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { exec, lifeFixture } from './life-fixture.ts';

// The streams of a server are those that its client gave, not others like them.

const program = fileURLToPath(new URL('../../../../test/fixtures/streams.py', import.meta.url));
const life = lifeFixture();

/** Device and inode of each, and how it was opened (proc_pid_fdinfo(5)), to the file that is named. */
const look = `echo "$(for fd in 0 1 2; do
    stat -L -c %d:%i:%F /proc/$$/fd/$fd; grep flags /proc/$$/fdinfo/$fd
  done)" >>"$SEEN"`;

describe.skipIf(lacks('linux', 'python3'))('stdin, stdout and stderr of a server', () => {
  test.each(['file', 'null', 'pipe', 'socket', 'tty'])(
    'are the very ones that we were given: %s',
    async (kind) => {
      const seen = join(life.folder, 'seen');
      const inner = [...exec, 'sh', '-c', `${look}; exit 4`];
      const command = ['python3', program, kind, 'sh', '-c', `${look}; exec "$@"`, 'sh', ...inner];
      const { ended } = life.start(command, { env: { ...life.env, SEEN: seen } });
      expect(await ended).toBe(4);
      const lines = readFileSync(seen, 'utf8').trim().split('\n');
      expect(lines).toHaveLength(12);
      expect(lines.slice(6)).toEqual(lines.slice(0, 6));
    },
  );

  test('that were closed are /dev/null: Node would else open files of its own there', async () => {
    const seen = join(life.folder, 'seen');
    const command = ['python3', program, 'closed', ...exec, 'sh', '-c', `${look}; exit 4`];
    const { ended } = life.start(command, { env: { ...life.env, SEEN: seen } });
    expect(await ended).toBe(4);
    expect(readFileSync(seen, 'utf8')).toMatch(/^(?:.*character special file\nflags:.*\n){3}$/u);
  });
});
