import * as z from 'zod';
import { section } from './section.ts';
import type { DockerHost, KubernetesCluster, SshServer } from './types.ts';
import { anyFile, entryName, hasNoLogin, hostOrUser, line, variableName } from './values.ts';

const port = z.int().min(1).max(65_535).default(22);

export const sshServer: z.ZodType<SshServer> = section({
  name: entryName.describe('What commands call it.'),
  host: hostOrUser.describe('Name, address, or a host of ~/.ssh/config.'),
  user: hostOrUser.describe('Who to log in as.'),
  port: port.describe('TCP port.'),
  key_path: anyFile
    .exactOptional()
    .describe('Private key file; without one the SSH agent is used.'),
  key_variable: variableName.exactOptional().describe('Variable whose value is the private key.'),
  password_variable: variableName.exactOptional().describe('Variable whose value is the password.'),
  jump: entryName.exactOptional().describe('Another SSH server to go through.'),
  tags: z.array(entryName).default([]).describe('For commands on several servers.'),
});

export const kubernetesCluster: z.ZodType<KubernetesCluster> = section({
  name: entryName.describe('What commands call it.'),
  kubeconfig_path: anyFile.describe('The kubeconfig.'),
  context: line
    .exactOptional()
    .describe('Context; without one the current context of the kubeconfig.'),
  namespace: entryName.exactOptional().describe('Namespace; without one `default_k8s_namespace`.'),
  token_variable: variableName
    .exactOptional()
    .describe('Variable whose value is the bearer token.'),
});

export const dockerHost: z.ZodType<DockerHost> = section({
  name: entryName.describe('What commands call it.'),
  host: hostOrUser
    .refine(hasNoLogin, 'must hold no login: no value in this file is ever a secret')
    .describe('`localhost`, `unix://…`, `tcp://…` or the name of a host.'),
  connection_type: z.enum(['local', 'ssh', 'tls']).default('local').describe('How it is reached.'),
  ssh_server: entryName
    .exactOptional()
    .describe('SSH server to go through, with `connection_type: ssh`.'),
  ssh_config: section({
    user: hostOrUser.describe('Who to log in as.'),
    port: port.describe('TCP port.'),
    key_path: anyFile.exactOptional().describe('Private key file.'),
  })
    .exactOptional()
    .describe('As `ssh_server`, in place.'),
  tls_ca: anyFile
    .exactOptional()
    .describe('Certificate of the authority, with `connection_type: tls`.'),
  tls_cert: anyFile.exactOptional().describe('Our own certificate.'),
  tls_key_variable: variableName
    .exactOptional()
    .describe('Variable whose value is the key of our certificate.'),
});
