import { summaryStates } from '../commands/summary.ts';
import { shells } from '../completion/shells.ts';
import {
  auditLine,
  backendState,
  counts,
  grant,
  launch,
  memory,
  pending,
  problem,
  secret,
} from './parts.ts';
import {
  anything,
  either,
  exactly,
  flag,
  list,
  named,
  oneOf,
  orNull,
  record,
  text,
  time,
  whole,
  type Shape,
} from './shape.ts';

export interface Result {
  /** As typed, without `mcp`; empty for `mcp` alone. */
  readonly command: string;
  readonly shape: Shape;
  /** One document a line. */
  readonly lines?: true;
}

const service: Shape = record({
  name: text('of the unit or agent'),
  written: oneOf(['ours', 'other'], 'other: changed by hand'),
  enabled: flag('it starts when you log in'),
  current: flag('its files are what install would write'),
  gone: list(text(), 'programs that it names and that are not there'),
  manager: oneOf(
    ['running', 'waiting', 'astray', 'stopped', 'unknown'],
    'what the service manager says of it',
  ),
});
const origin: Shape = oneOf(['file', 'default'], 'where it stands');
const daemonTook: Shape = oneOf(['taken', 'not-running', 'kept'], 'what the daemon made of it');
/**
 * What every command prints with `--json`. docs/json.md and docs/json.schema.json come from it, and a test runs
 * each command and holds what it prints against it.
 */
export const results: readonly Result[] = [
  {
    command: '',
    shape: record({
      state: oneOf(summaryStates, 'the first of these that is true of this home'),
      next: list(text(), 'commands to type'),
    }),
  },
  {
    command: 'init',
    shape: record({
      changed: flag('false: the home was set up before'),
      home: text(),
      config: text(),
      'backend?': text('where secrets go: keychain or sealed'),
      'why?': text('why there'),
      created: list(text(), 'paths that were made'),
      narrowed: list(text(), 'paths that others could read before'),
      'command?': text('path of the command, for a client'),
    }),
  },
  {
    command: 'status',
    shape: either(
      record({ running: exactly(false), 'service?': service, home: text() }, 'no daemon runs'),
      record(
        {
          running: exactly(true),
          'lentSocket?': flag('the service manager listens'),
          version: text(),
          pid: whole(),
          started: time(),
          home: text(),
          config: record({
            file: text(),
            state: oneOf(
              ['loaded', 'absent', 'kept'],
              'kept: the file is broken, the one before counts',
            ),
            'problem?': problem,
            unusable: list(problem, 'entries that cannot be used'),
          }),
          keys: record({
            source: oneOf(['sealed', 'keychain'], 'where those of grants and audit come from'),
            state: oneOf(['ready', 'locked']),
            'problem?': problem,
          }),
          backends: list(record({ name: text(), kind: text(), state: backendState })),
          cache: record({ entries: whole(), bytes: whole() }),
          memory,
          grants: whole(),
          'grantsProblem?': problem,
          pending: whole('launches that wait for a person'),
          connections: whole(),
          launches: list(launch),
          audit: record({
            sequence: whole('number of the newest line'),
            state: oneOf(['ok', 'failing']),
          }),
        },
        'a daemon runs',
      ),
    ),
  },
  {
    command: 'doctor',
    shape: record({
      ok: flag('nothing is wrong'),
      findings: list(
        record({
          id: text('docs/doctor.md lists them'),
          severity: oneOf(['wrong', 'advice']),
          subject: text('what it is about'),
          cause: text(),
          remedy: text(),
          fixable: flag('--fix mends it'),
          fixed: flag('it has been mended'),
        }),
      ),
    }),
  },
  {
    command: 'secret set',
    shape: record({
      name: text(),
      backend: text(),
      'version?': text(),
      created: flag('whether it is new'),
      changed: flag('false: that value was there already'),
      'entry?': flag('the name led elsewhere before: it has an entry in config.yaml now'),
    }),
  },
  { command: 'secret list', shape: list(secret) },
  { command: 'secret show', shape: secret },
  {
    command: 'secret history',
    shape: record({
      name: text(),
      backend: text(),
      locator: text(),
      versions: list(
        record({ 'version?': text(), 'created?': time(), 'updated?': time(), 'expires?': time() }),
        'those that the store keeps, newest first',
      ),
      changes: list(
        record({
          seq: whole('number of the line in the audit'),
          time: time(),
          event: oneOf(['set', 'delete', 'reveal', 'rotate']),
          outcome: oneOf(['allowed', 'denied', 'failed']),
          'code?': text('of an error'),
          'backend?': text(),
          'client?': text('what asked calls itself: a claim'),
          'pid?': whole(),
        }),
        'what the audit tells, newest first',
      ),
    }),
  },
  {
    command: 'secret mv',
    shape: record({
      name: text(),
      from: text('where it was; `to`, when it was there already'),
      to: text(),
      removed: flag('the old place held it, and does no longer'),
    }),
  },
  { command: 'secret rm', shape: record({ name: text(), backend: text() }) },
  {
    command: 'backend list',
    shape: list(
      record({
        name: text(),
        kind: text(),
        state: backendState,
        isDefault: flag('variables without an entry lie there'),
        'where?': text('its file, address, region or program'),
        variables: whole('entries of config.yaml that name it'),
      }),
    ),
  },
  {
    command: 'backend test',
    shape: list(
      record({
        name: text(),
        kind: text(),
        steps: list(
          record({
            step: oneOf(['reach', 'authenticate', 'list', 'read']),
            outcome: oneOf(['ok', 'failed', 'skipped']),
            'durationMs?': whole('what one request did for two steps counts for both'),
            'detail?': text(),
            'problem?': problem,
          }),
        ),
      }),
    ),
  },
  { command: 'approve', shape: record({ grant, left: list(text(), 'names that still wait') }) },
  { command: 'deny', shape: record({ denial: grant }) },
  {
    command: 'approvals list',
    shape: record({
      pending: list(pending),
      grants: list(grant),
      'problem?': problem,
    }),
  },
  { command: 'approvals revoke', shape: record({ revoked: list(grant) }) },
  { command: 'lock', shape: record({ locked: exactly(true), changed: flag() }) },
  { command: 'unlock', shape: record({ unlocked: exactly(true), changed: flag() }) },
  { command: 'cache clear', shape: record({ cleared: whole('values that were forgotten') }) },
  {
    command: 'daemon start',
    shape: record({ pid: whole(), changed: flag('false: it ran already') }),
  },
  { command: 'daemon stop', shape: record({ 'pid?': whole(), changed: flag() }) },
  { command: 'daemon restart', shape: record({ pid: whole(), changed: flag() }) },
  {
    command: 'daemon status',
    shape: either(
      record({ running: exactly(false), 'service?': service, home: text() }, 'no daemon runs'),
      record(
        {
          running: exactly(true),
          'service?': service,
          version: text(),
          pid: whole(),
          started: time(),
          home: text(),
          connections: whole(),
          memory,
        },
        'a daemon runs',
      ),
    ),
  },
  {
    command: 'daemon install',
    shape: record({
      name: text('of the unit or agent'),
      active: flag('false: the files are written, and no service manager could be told'),
      changed: flag('false: it was installed and active'),
      'reason?': text('why it is not active'),
      'type?': list(text(), 'commands that make it active'),
      'pid?': whole('of the daemon'),
    }),
  },
  {
    command: 'daemon uninstall',
    shape: record({
      name: text(),
      removed: list(text(), 'paths'),
      left: list(text(), 'paths of what install did not write'),
      changed: flag('false: it was not installed'),
    }),
  },
  { command: 'daemon logs', shape: record({ line: text() }), lines: true },
  { command: 'audit tail', shape: auditLine, lines: true },
  { command: 'audit search', shape: auditLine, lines: true },
  { command: 'audit export', shape: auditLine, lines: true },
  {
    command: 'audit verify',
    shape: record({
      ok: flag(),
      lines: whole(),
      sequence: whole('number of the newest line'),
      covered: orNull(whole('number of the last line under a MAC')),
      'problem?': record({ file: text(), line: whole(), message: text() }),
      keys: oneOf(['used', 'locked'], 'locked: the chain alone was checked'),
    }),
  },
  {
    command: 'audit stats',
    shape: record({
      lines: whole(),
      first: orNull(time()),
      last: orNull(time()),
      events: named(counts, 'by event, then by outcome'),
      codes: counts,
      servers: counts,
      variables: counts,
    }),
  },
  {
    command: 'clients',
    shape: list(
      record({
        client: text(),
        scope: oneOf(['user', 'project']),
        file: text(),
        exists: flag('whether the file is there'),
        'problem?': problem,
        servers: list(
          record({
            name: text(),
            'project?': text('the folder of its section'),
            launch: oneOf(
              ['exec', 'wrong', 'remote', 'direct'],
              'exec: through us; wrong: in a way that fails; remote: not started at all',
            ),
            disabled: flag(),
            plaintext: list(
              record({
                keys: list(text(), 'that lead to it from the entry on'),
                name: text('of the variable, header or option'),
                'line?': whole(),
                'issuer?': text('whose tokens begin so'),
              }),
              'what looks like a secret; its value is nowhere',
            ),
          }),
        ),
      }),
    ),
  },
  { command: 'config path', shape: record({ path: text() }) },
  {
    command: 'config check',
    shape: record({
      file: text(),
      'state?': oneOf(['loaded', 'absent']),
      valid: flag(),
      problems: list(problem),
    }),
  },
  {
    command: 'config get',
    shape: record({ key: text(), value: anything('as in the file'), origin }),
  },
  {
    command: 'config set',
    shape: record({
      key: text(),
      'value?': anything('what counts now; missing: nothing does'),
      origin,
      changed: flag(),
      'daemon?': daemonTook,
    }),
  },
  {
    command: 'config list',
    shape: list(record({ key: text(), value: anything('as in the file'), origin })),
  },
  {
    command: 'config edit',
    shape: record({ file: text(), changed: flag(), 'daemon?': daemonTook }),
  },
  {
    command: 'config add-command-backend',
    shape: record({ backend: text(), 'grant?': grant }),
  },
  {
    command: 'config remove-backend',
    shape: record({ backend: text(), revoked: whole('how many grants for it') }),
  },
  {
    command: 'completion',
    shape: record({ shell: oneOf(shells), script: text('for that shell to evaluate') }),
  },
];
