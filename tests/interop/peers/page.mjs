// Runs the page's script on a stack for Node that has a face like a browser's, with calls from standard input.
import fs from 'node:fs';
import readline from 'node:readline';
import vm from 'node:vm';

// `special` makes, from the script's peers, functions that take the place of the script's own.
export function serve(version, globals, special = () => ({})) {
  Object.assign(globalThis, globals, { window: globalThis });
  vm.runInThisContext(fs.readFileSync(new URL('../lib/page.js', import.meta.url), 'utf8'));
  Object.assign(globalThis.api, special(vm.runInThisContext('peers')));
  const say = line => process.stdout.write(`${JSON.stringify(line)}\n`);
  readline.createInterface({ input: process.stdin }).on('line', line => {
    const { id, name, args } = JSON.parse(line);
    Promise.resolve().then(() => globalThis.api[name](...args))
      .then(value => say({ id, value: value ?? null }), error => say({ id, error: error.message }));
  }).on('close', () => process.exit());
  say({ version });
}

// The version of an installed package.
export const versionOf = name =>
  JSON.parse(fs.readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version;
