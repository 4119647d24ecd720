import { afterEach, expect, test } from 'vitest';
import { parseConfig, type Config } from '../config/index.ts';
import { toolEnvironment } from './environment.ts';

const stray = 'MCP_TEST_STRAY';
afterEach(() => {
  delete process.env[stray];
});

const configOf = (settings: string): Config =>
  parseConfig(`version: "1.0"\nsettings: {${settings}}\n`, 'config.yaml').config;

const names = [
  'HOME',
  'PATH',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TZ',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'MCP_LAUNCH',
];

test('a tool gets these names of ours, and no other', () => {
  process.env[stray] = 'value';
  expect(names).toEqual(expect.arrayContaining(Object.keys(toolEnvironment(configOf('')))));
});

test('what the config says comes before all else', () => {
  const config = configOf('path: [/a, /b], proxy: {https: "http://p:1", no_proxy: [x, y]}');
  expect(toolEnvironment(config, { HOME: '/own', A: 'b' })).toMatchObject({
    HOME: '/own',
    A: 'b',
    PATH: '/a:/b',
    https_proxy: 'http://p:1',
    HTTPS_PROXY: 'http://p:1',
    no_proxy: 'x,y',
  });
});

test('without settings.path it is the folders of the system, whatever PATH we have', () => {
  expect(toolEnvironment(configOf(''))['PATH']).toBe('/usr/local/bin:/usr/bin:/bin');
});

test('what a tool starts is known by the mark of a launch, whatever the config says', () => {
  const environment = toolEnvironment(configOf(''), { MCP_LAUNCH: 'other' });
  expect(environment['MCP_LAUNCH']).toBe('tool');
});
