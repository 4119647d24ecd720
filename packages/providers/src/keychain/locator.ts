import { BrokerError } from '../errors.ts';
import type { Locator } from '../provider.ts';
import type { SecretInfo } from '../secret.ts';

/** What Windows, with the shortest limit, takes beside our service name. */
const maxPathLength = 256;

/** Throws `ERR_CONFIG` for what the keychain cannot hold. */
export function pathOf(
  locator: Locator,
  { versions = true }: { readonly versions?: boolean } = {},
): string {
  const { path, field, version } = locator;
  const segments = path.split('/');
  const isPath =
    path.length <= maxPathLength &&
    segments.every((each) => /^[\w.-]+$/u.test(each) && each !== '.' && each !== '..');
  if (!isPath) {
    throw notSupported(locator, 'a name is letters, digits, _, ., - and / between them');
  }
  if (field !== undefined) throw notSupported(locator, 'items have no fields');
  if (version !== undefined && !versions) {
    throw notSupported(locator, 'a version cannot be chosen');
  }
  return path;
}

/** Only the current version is kept: any other is one that the store does not have. */
export function versionFits({ version }: Locator, info: SecretInfo): boolean {
  return version === undefined || version === info.version;
}

function notSupported({ path, field, version }: Locator, rule: string): BrokerError {
  const shown = [
    /^[\w./-]{1,256}$/u.test(path) ? path : 'the name',
    field === undefined ? '' : `#${field}`,
    version === undefined ? '' : `@${version}`,
  ].join('');
  return new BrokerError('ERR_CONFIG', `the keychain cannot hold ${shown}: ${rule}`, {
    hint: 'name it by its variable alone, such as $<keychain:GITHUB_TOKEN>',
    subject: path,
  });
}
