// First in every script of package.json, and written for any Node: what follows it needs a newer one.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `Node 22.19 or newer is needed, and this is ${process.version}: npx -y -p node@24 -p pnpm@12 pnpm ${process.env.npm_lifecycle_event}\n`,
  );
  process.exit(1);
}
