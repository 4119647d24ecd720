import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';

import { needs } from '../../../../test/kit/needs.ts';
import { fakeManager, temporaryFolder, testUnit } from './fixture.ts';
import { createLaunchdService } from './launchd.ts';

const parse =
  'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))';

needs('python3')('a plist parser reads the agent as it is meant', () => {
  const unit = testUnit(`/Users/a b/<&>"'$x%n`);
  const folder = temporaryFolder();
  createLaunchdService(unit, folder.path, fakeManager(() => ({})).call).write();
  const file = join(folder.path, `io.${unit.name}.plist`);
  const { stdout, stderr } = spawnSync('python3', ['-c', parse, file]);
  folder.remove();
  expect(String(stderr)).toBe('');
  expect(JSON.parse(String(stdout))).toEqual({
    Label: `io.${unit.name}`,
    ProgramArguments: unit.command(),
    EnvironmentVariables: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    WorkingDirectory: '/',
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ProcessType: 'Background',
    Umask: 0o077,
    HardResourceLimits: { Core: 0 },
    StandardOutPath: '/dev/null',
    StandardErrorPath: '/dev/null',
  });
});
