/** Starts the command from the sources; built, mcp.ts does. */
import { main } from './command.ts';

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
