import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Status } from '@mcp-broker/daemon/protocol';

import { findService } from '../service/find-service.ts';
import { fakeManager, temporaryFolder, testUnit } from '../service/fixture.ts';
import { createLaunchdService } from '../service/launchd.ts';
import type { Called } from '../service/manager.ts';
import { createSystemdService } from '../service/systemd.ts';
import { installDaemon, uninstallDaemon } from './daemon-install.ts';
import { createFakeSession } from './fake-session.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: string;
let units: string;
beforeEach(() => {
  folder = temporaryFolder();
  home = join(folder.path, 'home');
  units = join(folder.path, 'config', 'systemd', 'user');
  mkdirSync(home);
});
afterEach(() => {
  folder.remove();
});

const unit = () => testUnit(home);
const name = (): string => unit().name;
const absent = { ok: false, reason: 'there is no systemctl' };

describe('without a service manager that answers', () => {
  test('files are written, and the commands to type are told', async () => {
    const { call } = fakeManager(() => absent);
    const session = createFakeSession({ home, running: false });
    const service = createSystemdService(unit(), units, call);
    expect(await installDaemon(session, service)).toBe(0);
    expect(session.stdout).toBe(
      `${name()}.socket is written, and not active: there is no systemctl\n`,
    );
    expect(session.stderr).toContain(
      `type: systemctl --user daemon-reload; systemctl --user enable --now ${name()}.socket\n`,
    );
    expect(readdirSync(units).sort()).toEqual([`${name()}.service`, `${name()}.socket`]);
    // Nothing was started or stopped.
    expect(session.calls).toEqual([]);
    expect(session.started).toBe(0);
  });

  test('--json says the same', async () => {
    const { call } = fakeManager(() => absent);
    const session = createFakeSession({ home, running: false, json: true });
    await installDaemon(session, createSystemdService(unit(), units, call));
    expect(JSON.parse(session.stdout)).toEqual({
      name: `${name()}.socket`,
      active: false,
      changed: true,
      reason: 'there is no systemctl',
      type: ['systemctl --user daemon-reload', `systemctl --user enable --now ${name()}.socket`],
    });
  });

  test('uninstall takes the files away, the link of an enabled unit, and the folders', async () => {
    const { call, asked } = fakeManager(() => absent);
    const service = createSystemdService(unit(), units, call);
    await installDaemon(createFakeSession({ home, running: false }), service);
    const wants = join(units, 'sockets.target.wants');
    mkdirSync(wants);
    symlinkSync(join(units, `${name()}.socket`), join(wants, `${name()}.socket`));
    const session = createFakeSession({ home, running: false });
    expect(await uninstallDaemon(session, service)).toBe(0);
    expect(session.stderr).toContain(`type: systemctl --user stop ${name()}.socket`);
    expect(existsSync(join(folder.path, 'config'))).toBe(false);
    expect(asked.filter((line) => / (?:stop|disable|enable) /u.test(line))).toEqual([]);
  });
});

test('a manager that reads other folders is another home’s, and is not told to stop or start', async () => {
  const foreign = `FragmentPath=/home/other/.config/systemd/user/x\nActiveState=active\n`;
  const { call, asked } = fakeManager(() => ({ stdout: foreign }));
  const service = createSystemdService(unit(), units, call);
  const session = createFakeSession({ home, running: false });
  await installDaemon(session, service);
  expect(session.stdout).toContain('does not read');
  expect(await service.state()).toMatchObject({ manager: 'unknown' });
  await uninstallDaemon(session, service);
  expect(asked.filter((line) => / (?:stop|disable|enable|start) /u.test(line))).toEqual([]);
});

test('when the daemon does not serve as the manager starts it, nothing is left', async () => {
  const answer = ([verb, , , path]: readonly string[]): Partial<Called> =>
    verb === 'show'
      ? { stdout: `FragmentPath=${join(units, path ?? '')}\nActiveState=inactive\n` }
      : {};
  const { call } = fakeManager(answer);
  const service = createSystemdService(unit(), units, call);
  // One that answers and was not lent the socket.
  const status = { pid: 7, backends: [] } as unknown as Status;
  const session = createFakeSession({
    home,
    running: false,
    answers: { 'broker.status': () => status },
  });
  await expect(installDaemon(session, service)).rejects.toMatchObject({
    code: 'ERR_CHECK_FAILED',
    exitCode: 1,
  });
  expect(existsSync(join(folder.path, 'config'))).toBe(false);
});

test('a file that somebody wrote in the place of a unit is not overwritten', async () => {
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, `${name()}.service`), '[Service]\n');
  const { call, asked } = fakeManager(() => ({}));
  const session = createFakeSession({ home, running: false });
  const service = createSystemdService(unit(), units, call);
  await expect(installDaemon(session, service)).rejects.toMatchObject({
    code: 'ERR_INSECURE_FILE',
  });
  expect(asked).toEqual([]);
  await uninstallDaemon(session, service);
  expect(session.stderr).toContain(`left, since mcp daemon install did not write it: ${units}`);
});

test('nor is half of the units written beside it', async () => {
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, `${name()}.socket`), '[Socket]\n');
  const service = createSystemdService(unit(), units, fakeManager(() => ({})).call);
  await expect(
    installDaemon(createFakeSession({ home, running: false }), service),
  ).rejects.toMatchObject({ code: 'ERR_INSECURE_FILE' });
  expect(readdirSync(units)).toEqual([`${name()}.socket`]);
});

test('without a home there is nothing to install', async () => {
  const { call } = fakeManager(() => absent);
  const session = createFakeSession({ home: join(home, 'none'), running: false });
  const service = createSystemdService(unit(), units, call);
  await expect(installDaemon(session, service)).rejects.toMatchObject({
    code: 'ERR_NO_HOME',
    hint: 'mcp init',
  });
  expect(existsSync(units)).toBe(false);
});

test('an agent of launchd is written, loaded, left alone when it runs, and taken away', async () => {
  let runs = false;
  const { call, asked } = fakeManager(([verb]) => {
    if (verb === 'bootstrap') runs = true;
    return verb === 'print' ? { ok: runs, stdout: '\tstate = running\n' } : {};
  });
  const service = createLaunchdService(unit(), units, call);
  const problem = { code: 'ERR_LOCKED', message: 'the keychain is locked', hint: 'unlock it' };
  const keys = { source: 'keychain', state: 'locked', problem };
  const status = { pid: 7, keys, backends: [{ state: 'locked' }] } as unknown as Status;
  const options = { home, running: false, answers: { 'broker.status': () => status } };
  const session = createFakeSession(options);
  await installDaemon(session, service);
  await installDaemon(session, service);
  expect(session.stdout).toBe(
    `io.${name()} is installed and active, daemon pid 7\nio.${name()} is installed and active already\n`,
  );
  // What is closed, and why: not each home has a sealed file.
  expect(session.stderr).toContain('the keychain is locked: unlock it');
  expect(session.stderr).not.toContain('sealed');
  await uninstallDaemon(session, service);
  expect(asked.map((line) => line.split(' ')[1])).toEqual([
    'print',
    'bootout',
    'bootstrap',
    'print',
    'bootout',
  ]);
  expect(existsSync(join(folder.path, 'config'))).toBe(false);
});

test('on Windows it is an error that says what to do', () => {
  const session = createFakeSession({ home });
  expect(() => findService(session, 'win32')).toThrow(
    expect.objectContaining({
      code: 'ERR_CONFIG',
      hint: 'use Linux or macOS; on Windows, WSL 2',
    }) as Error,
  );
});
