import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

const least = [22, 19] as const;

/** The launcher looks at it too; not every way to start us leads through that. */
export function checkNode({ node }: Facts): readonly Finding[] {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > least[0] || (major === least[0] && minor >= least[1])) return [];
  return [
    finding('node-version', process.execPath, {
      cause: `it is Node ${node}, and mcp needs ${least.join('.')} or newer`,
      remedy: 'install a newer Node, then mcp again with it',
    }),
  ];
}
