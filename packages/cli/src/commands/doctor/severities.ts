/** `wrong`: it does not work, or is not safe, until it is mended. `advice`: it works, and could be better. */
export type Severity = 'wrong' | 'advice';

/** Everything that `mcp doctor` can find; docs/doctor.md says what each means. Names are stable. */
export const severities = {
  'node-version': 'wrong',
  'node-not-found': 'advice',
  'home-absent': 'wrong',
  'home-unsafe': 'wrong',
  'mode-folder': 'wrong',
  'mode-file': 'wrong',
  'path-too-long': 'wrong',
  'config-broken': 'wrong',
  'config-entry': 'wrong',
  'path-unset': 'advice',
  'path-folder-gone': 'advice',
  'sealed-file-absent': 'wrong',
  'identity-absent': 'wrong',
  'socket-stale': 'wrong',
  'socket-foreign': 'wrong',
  'daemon-unreachable': 'wrong',
  'daemon-version': 'wrong',
  'service-gone': 'wrong',
  'service-outdated': 'advice',
  'service-inactive': 'advice',
  'service-astray': 'advice',
  'memory-swappable': 'wrong',
  'memory-limit': 'advice',
  'keychain-no-bus': 'wrong',
  'keychain-absent': 'wrong',
  'keychain-locked': 'advice',
  'keys-locked': 'wrong',
  'backend-locked': 'advice',
  'backend-missing': 'wrong',
  'backend-unavailable': 'wrong',
  'reference-unknown': 'wrong',
  'reference-unapproved': 'advice',
  'reference-emptied': 'wrong',
  'reference-replaced': 'advice',
  'reference-unread': 'wrong',
  'approval-pending': 'advice',
  'launch-unreadable': 'wrong',
  'server-gone': 'wrong',
  'server-unknown': 'wrong',
  'client-file': 'wrong',
  'client-command': 'advice',
  'plaintext-token': 'wrong',
  'plaintext-likely': 'advice',
  'grants-aside': 'wrong',
  'grants-left': 'advice',
  'audit-broken': 'wrong',
  'audit-failing': 'wrong',
  'clock-future': 'wrong',
  'clock-set-back': 'advice',
  orphan: 'wrong',
} as const;

export type FindingId = keyof typeof severities;

/** Those that `--fix` mends. */
export const mendable = [
  'mode-folder',
  'mode-file',
  'path-unset',
  'socket-stale',
  'daemon-version',
  'orphan',
] as const;

export type Mendable = (typeof mendable)[number];
