import * as z from 'zod/mini';
import { hasReference } from '../reference.ts';
import { isSecretKey } from './secret-keys.ts';
import { described, record, section } from './section.ts';
import type { BackendConfig } from './types.ts';
import {
  argv,
  duration,
  file,
  line,
  locatorPath,
  prefix,
  serviceUrl,
  variableName,
  whole,
  words,
} from './values.ts';

/** Backends that exist without an entry, and the kind that each has. */
export const builtIn: Readonly<Record<string, string>> = {
  sealed: 'sealed-file',
  keychain: 'keychain',
};

const lifetimes = {
  ttl: described(z.exactOptional(duration), '`ttl` of its variables that have none of their own.'),
  max_stale: described(
    z.exactOptional(duration),
    '`max_stale` of its variables that have none of their own.',
  ),
};

const names = { ttl: 'ttlMs', max_stale: 'maxStaleMs' } as const;

const exits = z.array(whole(1, 255));

const toolTimeout = duration.check(
  z.refine((ms) => ms >= 1000 && ms <= 300_000, 'must lie between 1s and 5m'),
);

/** Names that would hold a secret, and references, which nobody would fill in here. */
const toolEnvironment = record(
  variableName.check(
    z.refine((name) => !isSecretKey([name]), 'no value in this file is ever a secret'),
  ),
  words.check(
    z.refine((value) => !hasReference(value, 'both'), 'a reference is not filled in here'),
  ),
);

const kinds = z.discriminatedUnion('kind', [
  section(
    {
      kind: described(z.literal('sealed-file'), 'The sealed file of this home: `sealed`.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: described(z.literal('keychain'), 'The keychain of this system: `keychain`.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: described(z.literal('vault'), 'HashiCorp Vault.'),
      url: described(serviceUrl, 'Its address, https.'),
      auth_method: described(
        z.enum(['token', 'approle', 'userpass', 'kubernetes', 'jwt', 'cert']),
        'How we log in; the credential itself never stands here.',
      ),
      path: described(locatorPath, 'Where variables without a path of their own lie.'),
      namespace: described(z.exactOptional(line), 'Namespace (Vault Enterprise, HCP).'),
      ca: described(z.exactOptional(file), 'Certificate of the authority that signed its own.'),
      pin: described(
        z.exactOptional(
          z
            .string()
            .check(
              z.regex(
                /^sha256\/[A-Za-z0-9+/]{43}=$/,
                'must be sha256/ and 44 characters of base64',
              ),
            ),
        ),
        'Digest of its public key.',
      ),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: described(z.literal('aws-secrets-manager'), 'AWS Secrets Manager.'),
      region: described(line, 'Region.'),
      secret_prefix: described(
        z.exactOptional(prefix),
        'What stands before the name of a variable.',
      ),
      profile: described(z.exactOptional(line), 'Profile of the shared files.'),
      role_arn: described(z.exactOptional(line), 'Role to assume.'),
      endpoint: described(z.exactOptional(serviceUrl), 'Other endpoint.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: described(z.literal('azure-key-vault'), 'Azure Key Vault.'),
      vault_name: described(line, 'Name of the vault.'),
      secret_prefix: described(
        z.exactOptional(prefix),
        'What stands before the name of a variable.',
      ),
      tenant: described(z.exactOptional(line), 'Tenant.'),
      url: described(z.exactOptional(serviceUrl), 'Address, in a sovereign cloud.'),
      credential: described(
        z._default(
          z.enum(['default', 'cli', 'managed', 'client-secret', 'certificate']),
          'default',
        ),
        'How we log in; the credential itself never stands here.',
      ),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: described(z.literal('command'), 'Any other store, through its own tool.'),
      get: described(
        argv,
        'Prints the value. `{name}` is the variable; without it the name is the last argument.',
      ),
      set: described(z.exactOptional(argv), 'Takes the value on stdin.'),
      list: described(z.exactOptional(argv), 'Prints the names, one a line.'),
      env: described(
        z.exactOptional(toolEnvironment),
        'Variables that the tool gets besides its small environment. Never a secret.',
      ),
      timeout: described(
        z.prefault(toolTimeout, '25s'),
        'How long one run may take, at most 5m. Then it ends with all that it started.',
      ),
      not_found_exit: described(
        z._default(exits, []),
        'Exit statuses that say that there is no such secret. Without one, each failure is a failure.',
      ),
      denied_exit: described(z._default(exits, []), 'Exit statuses that say that we may not.'),
      ...lifetimes,
    },
    { ...names, timeout: 'timeoutMs' },
  ),
]);

export const backend: z.ZodMiniType<BackendConfig> = z.pipe(
  kinds,
  z.transform(({ kind, ttlMs, maxStaleMs, ...settings }): BackendConfig => ({
    kind,
    settings,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(maxStaleMs === undefined ? {} : { maxStaleMs }),
  })),
);
