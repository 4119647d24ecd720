import { describe, expect, test } from 'vitest';
import { daemonArguments } from './client/daemon-arguments.ts';
import { refuseFlags } from './harden.ts';
import { locatePaths } from './paths.ts';

const closed = '--disable-sigusr1';

describe('A6: the flags of the daemon', () => {
  test('may be those that it is started with', () => {
    const args = daemonArguments(locatePaths({ home: '/h' }), { main: () => '/main.js' });
    expect(() => {
      refuseFlags(args.slice(0, args.indexOf('/main.js')));
    }).not.toThrow();
  });

  test.each([
    '--inspect',
    '--inspect-brk=0',
    '--report-on-signal',
    '--report_on_signal',
    '--tls_keylog=/tmp/keys',
    '--heapsnapshot_signal=SIGUSR2',
    '--cpu_prof',
    '--env_file=x',
    '--experimental_loader=x',
    '--experimental-config-file=x',
    '-r',
  ])('may not be %s, wherever it stands', (flag) => {
    const refused = expect.objectContaining({
      code: 'ERR_USAGE',
      message: `the daemon does not run under ${flag}`,
      hint: expect.stringContaining('mcp daemon start') as string,
    });
    expect(() => {
      refuseFlags([closed, flag]);
    }).toThrow(refused);
    expect(() => {
      refuseFlags([closed], `--no-warnings ${flag}`);
    }).toThrow(refused);
  });

  test.each([[[]], [['--no-warnings']], [[closed, '--no-disable-sigusr1']]])(
    'may not be %j, which leave it open to SIGUSR1',
    (args) => {
      expect(() => {
        refuseFlags(args);
      }).toThrow(
        expect.objectContaining({
          code: 'ERR_USAGE',
          hint: expect.stringContaining('mcp daemon start') as string,
        }),
      );
    },
  );

  test('may have _ for -', () => {
    expect(() => {
      refuseFlags(['--disable_sigusr1']);
    }).not.toThrow();
  });
});
