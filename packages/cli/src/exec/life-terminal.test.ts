import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { startPty, type Pty } from '../../../../test/kit/pty.ts';
import { trackProcesses } from '../../../../test/kit/started.ts';
import { exec, lifeFixture, polled } from './life-fixture.ts';

// A shell with job control on a terminal: what a person types and sees is the same with us and without.

const life = lifeFixture();

/** Says what reaches it, and goes on. */
const heeding = `const { writeFileSync } = require('node:fs');
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGCONT', 'SIGWINCH'])
    process.on(signal, () => {
      console.log('got ' + signal);
      writeFileSync(process.env.HOW + ' ' + signal, '');
    });
  process.stdin.on('data', (data) => {
    const word = data.toString().trim();
    console.log('read ' + word);
    if (word === 'end') process.exit(9);
  });
  setInterval(() => {}, 1000);
  writeFileSync(process.env.HOW + ' up', '');
  console.log('runs');`;

const leaving = `const { writeFileSync } = require('node:fs');
  process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(6); });
  setInterval(() => {}, 1000);
  writeFileSync(process.env.HOW + ' up', '');`;

beforeEach(() => {
  writeFileSync(join(life.folder, 'leaving.js'), leaving);
  writeFileSync(join(life.folder, 'heeding.js'), heeding);
});

/** Both shells start the server by the same word, so that all they show can be compared. */
function shell(how: 'with us' | 'without', server: string): Pty {
  const launch = how === 'without' ? '' : exec.join(' ');
  writeFileSync(join(life.folder, how), `#!/bin/sh\nexec ${launch} ${server}\n`, { mode: 0o755 });
  const env = { ...life.env, HOW: how };
  const terminal = startPty('bash', ['--norc', '--noprofile', '-i'], { env, cwd: life.folder });
  // Whatever a test that fails has left running hears of it.
  onTestFinished(() => {
    terminal.close();
  });
  return terminal;
}

/** What is typed, and what is then seen; the shell's prompt follows where it ends with one. */
type Step = readonly [typed: string, seen: string];

const servers = {
  heeding: `'${process.execPath}' heeding.js`,
  sleep: `sh -c '>"$HOW up"; echo runs; exec sleep 300'`,
  silent: `sh -c '>"$HOW up"; exec sleep 300'`,
  cat: `cat`,
  stty: `sh -c 'stty -echo; echo runs'`,
  leaving: `'${process.execPath}' leaving.js`,
};
const control = { c: '\u0003', d: '\u0004', z: '\u001a', backslash: '\u001c' };
const run = './"$HOW"';
const behind = `${run} & until [ -e "$HOW up" ]; do sleep 0.05; done`;
const gone = 'while kill -0 %1 2>/dev/null; do sleep 0.05; done';

describe.skipIf(lacks('linux', 'python3', 'bash'))('a launch of a shell on a terminal', () => {
  test.each<[what: string, server: keyof typeof servers, steps: readonly Step[]]>([
    [
      'Ctrl-Z, fg, Ctrl-C',
      'heeding',
      [
        [run, 'runs'],
        [control.z, 'Stopped.*$'],
        ['fg', 'got SIGCONT'],
        ['a', 'read a'],
        [control.c, 'got SIGINT'],
        ['end', 'read end$'],
        ['echo status $?', 'status 9$'],
      ],
    ],
    [
      'Ctrl-backslash, Ctrl-Z, bg',
      'heeding',
      [
        [`${run} </dev/null`, 'runs'],
        [control.backslash, 'got SIGQUIT'],
        [control.z, 'Stopped.*$'],
        ['bg; until [ -e "$HOW SIGCONT" ]; do sleep 0.05; done', 'got SIGCONT[^]*$'],
        ['jobs', 'Running.*$'],
        ['kill -9 %1; wait %1; echo status $?', 'status 137$'],
      ],
    ],
    [
      'Ctrl-C, which ends it',
      'sleep',
      [
        [run, 'runs'],
        [control.c, '$'],
        ['echo status $?', 'status 130$'],
      ],
    ],
    [
      'Ctrl-C in a loop, which ends that too',
      'sleep',
      [
        [`for n in 1 2; do ${run}; echo next $n; done`, 'runs'],
        [control.c, '$'],
        ['echo status $?', 'status 130$'],
      ],
    ],
    [
      'Ctrl-C under a script, which ends that too',
      'sleep',
      [
        [`bash -c '${run}; echo after'`, 'runs'],
        [control.c, '$'],
        ['echo status $?', 'status 130$'],
      ],
    ],
    [
      'kill -15 %1 behind the shell',
      'silent',
      [
        [behind, '$'],
        ['kill -15 %1; wait %1; echo status $?', 'status 143$'],
      ],
    ],
    [
      'kill -9 %1 behind the shell',
      'silent',
      [
        [behind, '$'],
        ['kill -9 %1; wait %1; echo status $?', 'status 137$'],
      ],
    ],
    [
      'kill -1 %1 behind the shell',
      'silent',
      [
        [behind, '$'],
        ['kill -1 %1; wait %1; echo status $?', 'status 129$'],
      ],
    ],
    [
      'kill -2 %1 behind the shell',
      'silent',
      [
        [behind, '$'],
        ['kill -2 %1; wait %1; echo status $?', 'status 130$'],
      ],
    ],
    [
      'a command that changes how the terminal is',
      'stty',
      [
        [run, 'runs$'],
        ['echo unseen; stty echo', 'unseen$'],
      ],
    ],
    [
      'Ctrl-Z, kill %1',
      'sleep',
      [
        [run, 'runs'],
        [control.z, 'Stopped.*$'],
        [`kill %1; ${gone}`, 'Terminated.*$'],
      ],
    ],
    [
      'kill %1, of which the server makes an exit',
      'leaving',
      [
        [behind, '$'],
        ['kill %1; wait %1; echo status $?', 'got SIGTERM[^]*status 6$'],
      ],
    ],
    [
      'reading behind the shell',
      'cat',
      [
        [`${run} & while jobs -r | grep -q .; do sleep 0.1; done`, '$'],
        ['jobs', 'Stopped.*$'],
        ['fg', 'HOW'],
        ['a', 'a\na'],
        [control.d, '$'],
        ['echo status $?', 'status 0$'],
      ],
    ],
    [
      'in a pipe, Ctrl-C',
      'sleep',
      [
        [`${run} | cat`, 'runs'],
        [control.c, '$'],
        ['echo status ${PIPESTATUS[@]}', 'status 130 130$'],
      ],
    ],
  ])(
    '%s',
    async (_what, server, steps) => {
      const both = [shell('without', servers[server]), shell('with us', servers[server])];
      const [without, withUs] = await Promise.all(
        both.map(async (terminal) => {
          await terminal.see(/bash-[\d.]+[#$] $/u);
          for (const [typed, seen] of [...steps, ['exit', '\nexit'] as const]) {
            terminal.type(Object.values(control).includes(typed) ? typed : `${typed}\n`);
            await terminal.see(
              new RegExp(seen.replace(/\$$/u, '(?:\\n|\\^C)[^]*bash-[\\d.]+[#$] $'), 'u'),
            );
          }
          const { code, restored, shown } = await terminal.ended;
          // Pids differ, and so does which job the shell takes for the newest.
          const text = shown.replaceAll(/^\[1\](?: \d+$|[-+ ])/gmu, '[1]');
          return { code, restored, text };
        }),
      );
      expect(withUs).toEqual(without);
    },
    90_000,
  );

  test('is gone when the terminal is closed, also when it ignores that', async () => {
    writeFileSync(
      join(life.folder, 'ignoring.js'),
      `process.on('SIGHUP', () => {}); setInterval(() => {}, 1000); console.log('runs ' + process.pid)`,
    );
    const terminal = shell('with us', `'${process.execPath}' ignoring.js`);
    await terminal.see(/bash-[\d.]+[#$] $/u);
    terminal.type(`${run}\n`);
    const [, server] = await terminal.see(/runs (\d+)\n/u);
    const started = trackProcesses();
    started.add(Number(server));
    terminal.close();
    await expect.poll(started.living, polled).toEqual([]);
    await terminal.ended;
  });

  test('that heeds a signal gets it from the shell and from us: once too often', async () => {
    const terminal = shell('with us', servers.heeding);
    await terminal.see(/bash-[\d.]+[#$] $/u);
    terminal.type(`${run} </dev/null & until [ -e "$HOW up" ]; do sleep 0.05; done\n`);
    await terminal.see(/runs/u);
    terminal.type('kill %1\n');
    await terminal.see(/got SIGTERM[^]*got SIGTERM/u);
    terminal.type('kill -9 %1; exit\n');
    const { shown } = await terminal.ended;
    expect(shown.match(/got SIGTERM/gu)).toHaveLength(2);
  });

  test.each([
    ['raw', 'kill'],
    ['cooked', 'type'],
  ])('of a client whose terminal is %s: one SIGINT reaches the server (%s)', async (mode, how) => {
    const client = `import os, signal, subprocess, sys, termios, time, tty
signal.signal(signal.SIGINT, signal.SIG_IGN)
if sys.argv[1] == 'raw':
    tty.setraw(0, termios.TCSANOW)
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
if sys.argv[1] == 'raw':
    while os.read(0, 1) != b'k': pass
    child.send_signal(signal.SIGINT)
    while os.read(0, 1) != b'a': pass
else:
    while sys.stdin.readline() != 'a\\n': pass
child.stdin.write(b'end')
child.stdin.flush()
sys.exit(child.wait())`;
    const words = [...exec, process.execPath, 'heeding.js'];
    const options = { env: life.env, cwd: life.folder };
    const terminal = startPty('python3', ['-c', client, mode, ...words], options);
    onTestFinished(() => {
      terminal.close();
    });
    await terminal.see(/runs/u);
    terminal.type(how === 'kill' ? 'k' : control.c);
    await terminal.see(/got SIGINT/u);
    terminal.type('a\n');
    const { code, shown } = await terminal.ended;
    expect([code, shown.match(/got SIG\w+/gu)]).toEqual([9, ['got SIGINT']]);
  });
});
