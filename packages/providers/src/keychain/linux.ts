import type { SystemKeychain } from './system-keychain.ts';

/**
 * Secret Service on the session bus (gnome-keyring, KWallet, KeePassXC), and nothing else: left to itself
 * the library falls back to the kernel's keyutils without a word, which forgets everything at reboot.
 */
export const linux: SystemKeychain = {
  needsBus: true,
  options: { linux: { store: 'secret-service' } },
  problems: [
    ['locked', /object locked|prompt (was )?dismissed|IsLocked|closed before prompt completed/u],
    [
      'no-keychain',
      /not provided by any|ServiceUnknown|Secret Service provider found|no secret service/u,
    ],
    ['no-keychain', /no result found|result not returned/u],
    [
      'no-bus',
      /DBUS_SESSION_BUS_ADDRESS|[Ff]ailed to connect|disconnected from D-Bus|Connection refused/u,
    ],
    ['silent', /Did not receive a reply|NoReply|TimedOut/u],
    ['ambiguous', /Ambiguous|matche[ds] by \d+|multiple/iu],
    ['too-long', /longer than/u],
  ],
};
