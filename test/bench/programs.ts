/** Small programs for Node, each of which does one thing more than the one before it. */
export const empty: string = '0';
export const modules: string = "require('node:net'); require('node:child_process')";
export const spawnTrue: string = `
  require('node:net');
  const child = require('node:child_process').spawn('true', [], { stdio: 'inherit' });
  child.on('exit', (code) => process.exit(code));
`;
/** Stays until its stdin ends. */
export const idle: string = "process.stdin.resume(); process.stdout.write('ready')";
/** A bundle of about so many bytes, most of which is never called, as in most bundles; it ends at once. */
export function large(bytes: number): string {
  const part = (index: number): string =>
    `exports.f${index} = function (a, b) { return [a, b].map((x) => x * ${index}).join('-'); };\n`;
  const count = Math.ceil(bytes / part(10_000).length);
  return Array.from({ length: count }, (_, index) => part(10_000 + index)).join('');
}
/** Holds so many values by name until its stdin ends, and collects what is left over at SIGUSR2. */
export function holdBuffers(count: number, bytes: number): string {
  return `
    globalThis.held = new Map();
    for (let n = 0; n < ${count}; n += 1) held.set('VARIABLE_' + n, Buffer.alloc(${bytes}, 120));
    process.on('SIGUSR2', () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }));
    ${idle}
  `;
}
