import type { Status } from '@mcp-broker/daemon/protocol';

import type { Service, ServiceState } from './service.ts';

/** What is not as it should be, and what to type. */
export interface ServiceFinding {
  readonly message: string;
  readonly hint: string;
}

export interface InstalledService {
  readonly service: Service;
  readonly state: ServiceState;
}

/** What is wrong with the service of a home; `status` of the daemon that serves it, if one does. */
export function serviceFindings(
  { service, state }: InstalledService,
  status?: Pick<Status, 'lentSocket'>,
): readonly ServiceFinding[] {
  const { name, onDemand, toType } = service;
  const findings: ServiceFinding[] = [];
  const [gone] = state.gone;
  if (gone !== undefined) {
    const message = `${name} starts ${gone}, which is no longer there`;
    findings.push({ message, hint: 'mcp daemon install' });
  } else if (state.written === 'ours' && !state.current) {
    const message = `${name} was written by another version or installation of mcp`;
    findings.push({ message, hint: 'mcp daemon install' });
  }
  if (state.manager === 'stopped') {
    const message = `${name} is installed and not active`;
    findings.push({ message, hint: toType.start.at(-1) ?? 'mcp daemon install' });
  } else if (onDemand && state.manager === 'running' && status && status.lentSocket !== true) {
    const message = `the daemon that answers is not the one of ${name}`;
    findings.push({ message, hint: `mcp daemon stop, then: ${toType.stop}` });
  }
  return findings;
}

const words: Readonly<Record<ServiceState['manager'], string>> = {
  running: 'runs the daemon',
  waiting: 'waits for the first use',
  stopped: 'not active',
  unknown: 'its manager does not answer here',
};

export function serviceText({ service, state }: InstalledService): string {
  return `${service.name}, ${words[state.manager]}${state.written === 'other' ? ', changed by hand' : ''}`;
}
