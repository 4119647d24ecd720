import * as z from 'zod/mini';
import { described, section } from './section.ts';
import type { DockerHost, KubernetesCluster, SshServer } from './types.ts';
import { anyFile, entryName, hasNoLogin, hostOrUser, line, variableName, whole } from './values.ts';

const port = z._default(whole(1, 65_535), 22);

export const sshServer: z.ZodMiniType<SshServer> = section({
  name: described(entryName, 'What commands call it.'),
  host: described(hostOrUser, 'Name, address, or a host of ~/.ssh/config.'),
  user: described(hostOrUser, 'Who to log in as.'),
  port: described(port, 'TCP port.'),
  key_path: described(
    z.exactOptional(anyFile),
    'Private key file; without one the SSH agent is used.',
  ),
  key_variable: described(
    z.exactOptional(variableName),
    'Variable whose value is the private key.',
  ),
  password_variable: described(
    z.exactOptional(variableName),
    'Variable whose value is the password.',
  ),
  jump: described(z.exactOptional(entryName), 'Another SSH server to go through.'),
  tags: described(z._default(z.array(entryName), []), 'For commands on several servers.'),
});

export const kubernetesCluster: z.ZodMiniType<KubernetesCluster> = section({
  name: described(entryName, 'What commands call it.'),
  kubeconfig_path: described(anyFile, 'The kubeconfig.'),
  context: described(
    z.exactOptional(line),
    'Context; without one the current context of the kubeconfig.',
  ),
  namespace: described(
    z.exactOptional(entryName),
    'Namespace; without one `default_k8s_namespace`.',
  ),
  token_variable: described(
    z.exactOptional(variableName),
    'Variable whose value is the bearer token.',
  ),
});

export const dockerHost: z.ZodMiniType<DockerHost> = section({
  name: described(entryName, 'What commands call it.'),
  host: described(
    hostOrUser.check(
      z.refine(hasNoLogin, 'must hold no login: no value in this file is ever a secret'),
    ),
    '`localhost`, `unix://…`, `tcp://…` or the name of a host.',
  ),
  connection_type: described(
    z._default(z.enum(['local', 'ssh', 'tls']), 'local'),
    'How it is reached.',
  ),
  ssh_server: described(
    z.exactOptional(entryName),
    'SSH server to go through, with `connection_type: ssh`.',
  ),
  ssh_config: described(
    z.exactOptional(
      section({
        user: described(hostOrUser, 'Who to log in as.'),
        port: described(port, 'TCP port.'),
        key_path: described(z.exactOptional(anyFile), 'Private key file.'),
      }),
    ),
    'As `ssh_server`, in place.',
  ),
  tls_ca: described(
    z.exactOptional(anyFile),
    'Certificate of the authority, with `connection_type: tls`.',
  ),
  tls_cert: described(z.exactOptional(anyFile), 'Our own certificate.'),
  tls_key_variable: described(
    z.exactOptional(variableName),
    'Variable whose value is the key of our certificate.',
  ),
});
