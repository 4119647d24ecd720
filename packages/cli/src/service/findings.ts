import type { Service, ServiceState } from './service.ts';

/** What is not as it should be, and what to type. */
export interface ServiceFinding {
  readonly id: 'service-gone' | 'service-outdated' | 'service-inactive' | 'service-astray';
  readonly message: string;
  readonly hint: string;
}

export interface InstalledService {
  readonly service: Service;
  readonly state: ServiceState;
}

/** What is wrong with the service of a home. */
export function serviceFindings({ service, state }: InstalledService): readonly ServiceFinding[] {
  const { name, toType } = service;
  const findings: ServiceFinding[] = [];
  const [gone] = state.gone;
  if (gone !== undefined) {
    const message = `${name} starts ${gone}, which is no longer there`;
    findings.push({ id: 'service-gone', message, hint: 'mcp daemon install' });
  } else if (state.written === 'ours' && !state.current) {
    const message = `${name} was written by another version or installation of mcp`;
    findings.push({ id: 'service-outdated', message, hint: 'mcp daemon install' });
  }
  if (state.manager === 'stopped') {
    const message = `${name} is installed and not active`;
    findings.push({ id: 'service-inactive', message, hint: 'mcp daemon install' });
  } else if (state.manager === 'astray') {
    const message = `${name} listens where nobody finds it: its socket was removed`;
    findings.push({ id: 'service-astray', message, hint: toType.restart });
  }
  return findings;
}

const words: Readonly<Record<ServiceState['manager'], string>> = {
  running: 'runs the daemon',
  waiting: 'waits for the first use',
  astray: 'its socket was removed',
  stopped: 'not active',
  unknown: 'its manager does not answer here',
};

export function serviceText({ service, state }: InstalledService): string {
  return `${service.name}, ${words[state.manager]}${state.written === 'other' ? ', changed by hand' : ''}`;
}
