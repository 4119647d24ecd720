import * as z from 'zod';
import { section } from './section.ts';
import type { BackendConfig } from './types.ts';
import { argv, duration, file, line, locatorPath, prefix, serviceUrl } from './values.ts';

/** Backends that exist without an entry, and the kind that each has. */
export const builtIn: Readonly<Record<string, string>> = {
  sealed: 'sealed-file',
  keychain: 'keychain',
};

const lifetimes = {
  ttl: duration.exactOptional().describe('`ttl` of its variables that have none of their own.'),
  max_stale: duration
    .exactOptional()
    .describe('`max_stale` of its variables that have none of their own.'),
};

const names = { ttl: 'ttlMs', max_stale: 'maxStaleMs' } as const;

const kinds = z.discriminatedUnion('kind', [
  section(
    {
      kind: z.literal('sealed-file').describe('The sealed file of this home: `sealed`.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: z.literal('keychain').describe('The keychain of this system: `keychain`.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: z.literal('vault').describe('HashiCorp Vault.'),
      url: serviceUrl.describe('Its address, https.'),
      auth_method: z
        .enum(['token', 'approle', 'userpass', 'kubernetes', 'jwt', 'cert'])
        .describe('How we log in; the credential itself never stands here.'),
      path: locatorPath.describe('Where variables without a path of their own lie.'),
      namespace: line.exactOptional().describe('Namespace (Vault Enterprise, HCP).'),
      ca: file.exactOptional().describe('Certificate of the authority that signed its own.'),
      pin: z
        .string()
        .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, 'must be sha256/ and 44 characters of base64')
        .exactOptional()
        .describe('Digest of its public key.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: z.literal('aws-secrets-manager').describe('AWS Secrets Manager.'),
      region: line.describe('Region.'),
      secret_prefix: prefix.exactOptional().describe('What stands before the name of a variable.'),
      profile: line.exactOptional().describe('Profile of the shared files.'),
      role_arn: line.exactOptional().describe('Role to assume.'),
      endpoint: serviceUrl.exactOptional().describe('Other endpoint.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: z.literal('azure-key-vault').describe('Azure Key Vault.'),
      vault_name: line.describe('Name of the vault.'),
      secret_prefix: prefix.exactOptional().describe('What stands before the name of a variable.'),
      tenant: line.exactOptional().describe('Tenant.'),
      url: serviceUrl.exactOptional().describe('Address, in a sovereign cloud.'),
      credential: z
        .enum(['default', 'cli', 'managed', 'client-secret', 'certificate'])
        .default('default')
        .describe('How we log in; the credential itself never stands here.'),
      ...lifetimes,
    },
    names,
  ),
  section(
    {
      kind: z.literal('command').describe('Any other store, through its own tool.'),
      get: argv.describe(
        'Prints the value. `{name}` is the variable; without it the name is the last argument.',
      ),
      set: argv.exactOptional().describe('Takes the value on stdin.'),
      list: argv.exactOptional().describe('Prints the names.'),
      ...lifetimes,
    },
    names,
  ),
]);

export const backend: z.ZodType<BackendConfig> = kinds.transform(
  ({ kind, ttlMs, maxStaleMs, ...settings }): BackendConfig => ({
    kind,
    settings,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(maxStaleMs === undefined ? {} : { maxStaleMs }),
  }),
);
