import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';

import { word } from '../../output/hint.ts';
import { narrow } from '../home.ts';
import { isRunning } from './daemon-facts.ts';
import type { Facts } from './facts.ts';
import type { FileFact } from './files.ts';
import { finding, type Finding } from './finding.ts';

/** The home: that it is there, that it is ours alone, and that what has to be in it is. */
export function checkHome(facts: Facts): readonly Finding[] {
  const { paths, files } = facts;
  if (files.length === 0) {
    return [
      finding('home-absent', paths.home, { cause: 'there is no home yet', remedy: 'mcp init' }),
    ];
  }
  return [
    ...filesOfHome(facts).flatMap((file) => checkFile(file, facts)),
    ...checkSealedFile(facts),
  ];
}

/**
 * Those that are ours to judge. Where no home was ever made, `--home` or `MCP_HOME` may name any folder, with the files
 * of somebody's work in it: there the folder and a config.yaml count, with which `mcp init` would begin.
 */
function filesOfHome({ files, paths }: Facts): readonly FileFact[] {
  const { home, secrets, keychain, identity, lock } = paths;
  const marks = [secrets, keychain, identity, lock];
  if (files.some(({ path }) => marks.includes(path))) return files;
  const config = files.find(({ path }) => path === join(home, 'config.yaml'));
  return files.filter(
    (file) =>
      file === config || (file.path === home && (config !== undefined || file.kind !== 'folder')),
  );
}

function checkFile(file: FileFact, { paths }: Facts): readonly Finding[] {
  const { path, kind, mode, isOurs } = file;
  const name = word(path);
  if (path === paths.socket && isOurs && kind === 'socket') return checkMode(file, 'mode-file');
  // What else is wrong with the socket's path is told with the socket.
  if (path === paths.socket) return [];
  if (!isOurs) {
    const remedy = `sudo chown -R "$(id -u)" ${name}, once you know how that came about`;
    return [finding('home-unsafe', path, { cause: 'it belongs to another user', remedy })];
  }
  if (kind === 'link' || kind === 'other') {
    const cause = kind === 'link' ? 'it is a symbolic link' : 'it is no regular file';
    return [finding('home-unsafe', path, { cause, remedy: `mv ${name} ${name}.aside` })];
  }
  return (mode & 0o077) === 0
    ? []
    : checkMode(file, kind === 'folder' ? 'mode-folder' : 'mode-file');
}

function checkMode(
  { path, kind, mode }: FileFact,
  id: 'mode-folder' | 'mode-file',
): readonly Finding[] {
  if ((mode & 0o077) === 0) return [];
  const wanted = kind === 'folder' ? '700' : '600';
  return [
    finding(id, path, {
      cause: `its mode ${mode.toString(8).padStart(4, '0')} lets other users reach it`,
      remedy: `chmod ${wanted} ${word(path)}`,
      mend: async () => {
        // A socket cannot be opened as a file.
        if (kind === 'socket' && lstatSync(path).isSocket()) chmodSync(path, 0o600);
        else narrow(path);
        return `${path} is yours alone`;
      },
    }),
  ];
}

/** What holds the secrets, and what opens it. */
function checkSealedFile({ paths, files, config, daemon }: Facts): readonly Finding[] {
  const has = (path: string): boolean => files.some((file) => file.path === path);
  if (!has(paths.secrets)) {
    // A home of another kind has none: the backends tell what is missing there.
    if (has(paths.keychain)) return [];
    if (config !== undefined && config.config.settings.defaultBackend !== 'sealed') return [];
    return [
      finding('sealed-file-absent', paths.secrets, {
        cause: 'there is no sealed file to keep secrets in',
        remedy: 'mcp init',
      }),
    ];
  }
  const isConfigured = config === undefined || config.config.settings.identityFile !== undefined;
  if (has(paths.identity) || isConfigured || isRunning(daemon)) return [];
  return [
    finding('identity-absent', paths.identity, {
      cause: 'it opens secrets.age, and is gone',
      remedy: `put it back from a backup, or start the unit that lends it: ls -la ${word(paths.home)}`,
    }),
  ];
}
