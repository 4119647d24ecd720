import {
  titled,
  anything,
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

/** What several results have in common. */

export const problem: Shape = titled(
  'Error',
  record({
    code: text('one of docs/errors.md'),
    message: text(),
    'hint?': text('what to type, or which file to edit'),
    'subject?': text('what it is about'),
    'retryable?': flag('the same again may succeed'),
    'problems?': list(anything(), 'the single errors that this one sums up'),
  }),
);

export const variables: Shape = list(text(), 'names of variables');
export const server: Shape = text('what its caller calls the server: a claim');
const digest: Shape = text('SHA-256, in hex');

export const secret: Shape = titled(
  'Secret',
  record({
    name: text('the variable'),
    backend: text('where it lies'),
    locator: text('where in the backend'),
    'version?': text("the backend's own name for the version"),
    'created?': time(),
    'updated?': time(),
    'expires?': time('the backend says that it is of no use afterwards'),
    ttlMs: whole('milliseconds that it is fresh once read'),
    'cachedMs?': whole('milliseconds that it has been in the cache'),
  }),
);

export const backendState: Shape = oneOf(
  ['ready', 'locked', 'missing', 'unapproved', 'unavailable', 'unused'],
  'as far as this machine knows',
);

export const grant: Shape = titled(
  'Grant',
  record({
    id: text('four characters'),
    outcome: oneOf(['allowed', 'denied']),
    'server?': server,
    argv: list(text(), 'the command and its arguments'),
    variables,
    'backend?': text('it is for the commands of this backend'),
    fingerprint: text('the digest of what is launched'),
    lifetime: oneOf(['once', 'session', 'always', 'duration']),
    since: time(),
    'until?': time(),
    'workspace?': text('counts in this folder and below it alone'),
  }),
);

const variableOfLaunch = {
  reference: text('canonical text'),
  backend: text(),
  kind: text(),
  origin: text('what the backend is reached by'),
  locator: text(),
};

/** What would run. */
const description: Shape = titled(
  'Description',
  record({
    argv: list(text()),
    allowArgs: flag(),
    files: list(
      record({
        role: oneOf(['command', 'interpreter', 'script', 'preload', 'package']),
        path: text(),
        digest,
      }),
      'what it runs, each leads to the next',
    ),
    'package?': record({
      runner: text(),
      name: text(),
      'pinned?': text('the exact version that is asked for'),
      'installed?': text("the version in the runner's cache"),
    }),
    environment: list(
      record({ name: text(), value: text(), origin: oneOf(['inherited', 'entry']) }),
      'what else than references stands there by its SHA-256',
    ),
    inherited: list(record({ name: text(), digest, 'value?': text() })),
    'searchPath?': text(),
    'workingDirectory?': text(),
    origin: text('where the entry comes from'),
    variables: list(record(variableOfLaunch)),
  }),
);

const tool: Shape = titled(
  'Tool',
  record(
    {
      backend: text(),
      get: list(text()),
      'set?': list(text()),
      'list?': list(text()),
    },
    'the commands of a backend, which the broker runs itself',
  ),
);
const limit: Shape = record({ ms: whole(), reason: text() }, 'the longest that a grant can live');
const changes: Shape = list(
  record({ field: text(), before: orNull(text()), after: orNull(text()) }),
  'against the most similar launch that was approved',
);

export const pending: Shape = titled(
  'Pending',
  record({
    id: text('four characters'),
    'server?': server,
    launch: description,
    workingDirectory: text(),
    fingerprint: text(),
    variables: list(
      record({
        ...variableOfLaunch,
        name: text(),
        into: list(text(), 'entries that it goes to'),
        steers: list(text(), 'those of them that steer a process'),
      }),
      'those that are not granted yet',
    ),
    granted: list(text(), 'those that are'),
    'tool?': tool,
    'tools?': list(
      record({
        tool,
        launch: description,
        fingerprint: text(),
        'limit?': limit,
        'changes?': changes,
      }),
      'commands of backends that it needs, granted with it',
    ),
    'limit?': limit,
    'changes?': changes,
    pid: whole(),
    requested: time(),
    expires: time(),
  }),
);

export const launch: Shape = titled(
  'Launch',
  record({
    launch: text('its id in the audit'),
    'server?': server,
    variables,
    since: time(),
    'client?': text('what took the values calls itself'),
    'parent?': record({ pid: whole(), name: text() }, 'who started that'),
    'wrapper?': whole('pid of what took the values'),
    'pid?': whole('of the server'),
    'replaced?': flag('the wrapper has become the server'),
  }),
);

export const memory: Shape = titled(
  'Memory',
  record({
    reserved: whole('bytes that may hold secrets'),
    locked: orNull(whole('bytes that are kept out of swap; null: not known')),
    resident: whole('bytes of the whole daemon'),
  }),
);

export const counts: Shape = named(whole(), 'lines, by name');

export const auditLine: Shape = titled(
  'Audit line',
  record({
    v: whole('version of the form'),
    seq: whole('number of the line'),
    time: time(),
    event: text('docs/audit.md lists them'),
    outcome: oneOf(['allowed', 'denied', 'failed']),
    'code?': text('of an error'),
    'launch?': text(),
    'server?': text(),
    'variables?': variables,
    'backend?': text(),
    'cached?': whole(),
    'age_ms?': whole(),
    'fingerprint?': text(),
    'pid?': whole(),
    'uid?': whole(),
    'claims?': record({ 'client?': text() }),
    'duration_ms?': whole(),
    'exit?': whole(),
    'kept_from?': whole(),
    'anchor?': text(),
    prev: text('digest of the line before'),
    'mac?': text(),
  }),
);
