import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from './parse.ts';
import { readConfig } from './read.ts';
import { initialConfigText, writeNew } from './write.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-config-'));
  file = join(folder, 'config.yaml');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the first config', () => {
  test.each(['sealed', 'keychain'] as const)('names the backend %s', (defaultBackend) => {
    const { config } = parseConfig(initialConfigText({ defaultBackend }), 'config.yaml');
    expect(config.settings).toMatchObject({
      defaultBackend,
      identityFile: undefined,
      presence: 'terminal',
    });
  });

  test('takes an identity file of any name', () => {
    const identityFile = '/it’s a "path": # with\\everything';
    const text = initialConfigText({ defaultBackend: 'sealed', identityFile });
    expect(parseConfig(text, 'config.yaml').config.settings.identityFile).toBe(identityFile);
  });

  test('holds what its comments show, once they are none', () => {
    const text = initialConfigText({ defaultBackend: 'sealed' });
    const uncommented = text.replaceAll(/^( *)# (?=(variables|identity_file|  +\S).*$)/gm, '$1');
    expect(uncommented).not.toBe(text);
    const { config } = parseConfig(uncommented, 'config.yaml');
    expect(Object.keys(config.variables)).toEqual(['DB_PASSWORD']);
    expect(config.settings.identityFile).toBeDefined();
  });
});

describe('writing', () => {
  test('makes a file of mode 0600 that can be read at once', () => {
    const text = initialConfigText({ defaultBackend: 'sealed' });
    expect(writeNew(file, text)).toBe(true);
    expect(lstatSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(readConfig(file).state).toBe('loaded');
  });

  test('leaves a file that is there alone', () => {
    writeFileSync(file, 'mine');
    expect(writeNew(file, 'yours')).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('does not write through a link', () => {
    const target = join(folder, 'target');
    symlinkSync(target, file);
    expect(writeNew(file, 'text')).toBe(false);
    expect(lstatSync(target, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('fails when there is no folder', () => {
    expect(() => writeNew(join(folder, 'none', 'config.yaml'), '')).toThrow(/ENOENT/);
  });
});
