/**
 * What a server of `servers:` inherits: what a program needs to know of its user and machine, and nothing
 * that may be a secret. It is what the MCP SDK hands on, with the locale, the zone and the folder for
 * temporary files; docs/configuration.md names them, and a test holds it to that.
 */
export const inheritedNames: readonly string[] = [
  'HOME',
  'LANG',
  'LANGUAGE',
  'LOGNAME',
  'PATH',
  'SHELL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
];

/** Besides them, all that say how to write dates and numbers. */
export const inheritedPrefix = 'LC_';

/** What the MCP SDK hands on; a test holds it to that. */
export const sdkNames: readonly string[] = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];

/** docs/clients.md lists them, too. */
export const codexNames: readonly string[] = [
  ...sdkNames,
  '__CF_USER_TEXT_ENCODING',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
];

/** As the SDK does: a shell's function is no text that a program could use. */
function isFunction(value: string): boolean {
  return value.startsWith('()');
}

export function isAllowed(name: string, value: string): boolean {
  return (inheritedNames.includes(name) || name.startsWith(inheritedPrefix)) && !isFunction(value);
}

/** The clients that are built on the MCP SDK. */
export function isSdkAllowed(name: string, value: string): boolean {
  return sdkNames.includes(name) && !isFunction(value);
}

export function isCodexAllowed(name: string): boolean {
  return codexNames.includes(name);
}
