import type { GrantSummary } from '@mcp-broker/daemon/protocol';

/** For how long, and where, as it follows on what was decided. */
export function grantLifetime({ lifetime, until, workspace }: GrantSummary): string {
  const time = until === undefined ? '' : `until ${until}`;
  const long = {
    once: `for the next launch${time === '' ? '' : `, ${time}`}`,
    session: `until lock or stop${time === '' ? '' : `, ${time} at most`}`,
    always: 'always',
    duration: time,
  }[lifetime];
  return workspace === undefined ? long : `${long}, in ${workspace} alone`;
}
