import type { SystemKeychain } from './system-keychain.ts';

/**
 * The Credential Manager, which holds at most 2,560 bytes an item. Written from the documentation of the
 * library and of wincred.h; not tried on Windows.
 */
export const windows: SystemKeychain = {
  needsBus: false,
  options: {},
  problems: [
    // ERROR_NO_SUCH_LOGON_SESSION: a service, or a log-in over the network.
    ['no-keychain', /no such logon session|specified logon session does not exist|\b1312\b/iu],
    ['ambiguous', /Ambiguous|matche[ds] by \d+/iu],
    ['too-long', /longer than/u],
  ],
};
