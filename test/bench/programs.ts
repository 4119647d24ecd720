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
