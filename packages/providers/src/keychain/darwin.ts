import type { SystemKeychain } from './system-keychain.ts';

/**
 * The login keychain. Written from the documentation of the library and of Security.framework
 * (SecBase.h names the results); not tried on a Mac.
 */
export const darwin: SystemKeychain = {
  needsBus: false,
  options: {},
  problems: [
    // errSecInteractionNotAllowed, errSecInteractionRequired, errSecUserCanceled, errSecAuthFailed
    ['locked', /interaction is not allowed|-25308|-25315|cancel+ed|-128\b|-25293/iu],
    // errSecNoSuchKeychain, errSecNoDefaultKeychain, errSecNotAvailable
    [
      'no-keychain',
      /keychain could not be found|default keychain|no keychain is available|-2529[145]|-25307/iu,
    ],
    ['ambiguous', /Ambiguous|matche[ds] by \d+/iu],
    ['too-long', /longer than/u],
  ],
};
