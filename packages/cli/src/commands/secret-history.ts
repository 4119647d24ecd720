import { parseRecord, searchLog, type AuditRecord } from '@mcp-broker/daemon/audit';
import { BrokerError, type SecretVersion } from '@mcp-broker/daemon/protocol';

import { table } from '../output/table.ts';
import { whileUnlocked } from './locking.ts';
import { requireName } from './secrets.ts';
import type { Session } from './session.ts';

/** One change that the audit log tells of: never a value. */
interface Change {
  readonly seq: number;
  readonly time: string;
  readonly event: string;
  readonly outcome: string;
  readonly code?: string;
  readonly backend?: string;
  /** What asked called itself. */
  readonly client?: string;
  readonly pid?: number;
}

const events: ReadonlySet<unknown> = new Set(['set', 'delete', 'reveal', 'rotate']);

/**
 * Prints the versions that the store keeps, then what the audit log tells of the variable: that it was set,
 * deleted, revealed or rotated. Throws `ERR_UNKNOWN_VARIABLE` when neither knows it.
 */
export async function showHistory(
  input: { readonly name: string },
  session: Session,
): Promise<number> {
  requireName(input.name);
  const { output } = session;
  const { result } = await whileUnlocked(session, (client) =>
    client.call('secret.history', { name: input.name }),
  );
  const { name, backend, locator, versions } = result;
  const finish = output.progress('reading the audit log');
  const changes = await changesOf(name, session).finally(finish);
  if (versions.length === 0 && changes.length === 0) {
    throw new BrokerError('ERR_UNKNOWN_VARIABLE', `nothing is known of ${name}`, {
      hint: 'mcp secret list',
      subject: name,
    });
  }
  const text = [
    versions.length === 0
      ? ''
      : table(['VERSION', 'CREATED', 'UPDATED'], versions.map(versionRow), output.columns),
    changes.length === 0
      ? ''
      : table(
          ['TIME', 'EVENT', 'OUTCOME', 'BACKEND', 'BY'],
          changes.map(changeRow),
          output.columns,
        ),
  ];
  output.result(text.filter((part) => part !== '').join('\n'), {
    name,
    backend,
    locator,
    versions,
    changes,
  });
  if (versions.length === 0) output.note(`backend ${backend} has no version of ${name} now`);
  return 0;
}

function versionRow({ version, created, updated }: SecretVersion): (string | undefined)[] {
  return [version, created, updated];
}

function changeRow({ time, event, outcome, code, backend, client, pid }: Change): string[] {
  const by = [client ?? '', pid === undefined ? '' : `pid ${pid}`].filter((part) => part !== '');
  return [time, event, code ?? outcome, backend ?? '', by.join(', ')];
}

/** Newest first, as versions are. */
async function changesOf(variable: string, { paths }: Session): Promise<readonly Change[]> {
  const changes: Change[] = [];
  try {
    for await (const lines of searchLog(paths.audit, { variable })) {
      for (const line of lines) {
        const record = parseRecord(line);
        if (record !== undefined && events.has(record['event'])) changes.push(changeOf(record));
      }
    }
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'ERR_NOT_FOUND') throw error;
  }
  return changes.toReversed();
}

function changeOf(record: AuditRecord): Change {
  const { seq, time, event, outcome, code, backend, pid, claims } = record;
  const client: unknown = Object(claims)['client'];
  return {
    seq: Number(seq),
    time: String(time),
    event: String(event),
    outcome: String(outcome),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof backend === 'string' ? { backend } : {}),
    ...(typeof client === 'string' ? { client } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
  };
}
