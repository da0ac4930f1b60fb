// Runs every case against every browser it names. Usage: node run.mjs [--filter TEXT] [--browser NAME] [--list]
// Each case module exports `cases`: [{ name, browser?, options?, isolated?, run({ page, browser, note }) }]; cases of one browser
// with equal options share one browser process. `isolated: true` runs a case in a network namespace (isolated.sh), by
// another run of this file.
import fs from 'node:fs';
import { spawn } from 'node:child_process';
import { start } from './lib/browsers.mjs';
import { track } from './lib/process.mjs';
import { STACKS } from './lib/stacks.mjs';

const argument = name => { const i = process.argv.indexOf(name); return i < 0 ? undefined : process.argv[i + 1]; };
const filter = argument('--filter'), only = argument('--browser'), CASE_MS = 60000;

const cases = [];
for (const file of fs.readdirSync(new URL('cases', import.meta.url)).sort())
  if (file.endsWith('.mjs')) cases.push(...(await import(`./cases/${file}`)).cases);
const wanted = cases.filter(c => (!filter || c.name.includes(filter)) && (!only || c.name.startsWith(only)));
const inside = process.argv.includes('--inside');
if (process.argv.includes('--list')) {
  for (const { name } of wanted) console.log(name);
  process.exit(0);
}
if (!wanted.length) {
  console.error(`no case matches ${filter}`);
  process.exit(2);
}

const groups = new Map();
for (const test of wanted.filter(test => inside === !!test.isolated)) {
  const key = test.browser ? JSON.stringify([test.browser, test.options ?? {}]) : '';
  groups.set(key, [...groups.get(key) ?? [], test]);
}
// What a failed case leaves running may fail after it: the case is reported, the rest goes on.
process.on('unhandledRejection', () => {});

const failures = [];
let passed = 0;

for (const [key, group] of groups) {
  let browser;
  try {
    if (key) {
      browser = await start(...JSON.parse(key));
      console.log(`# ${browser.name} ${browser.version} ${JSON.stringify(group[0].options ?? {})}`);
    }
    for (const test of group) await runCase(test, browser);
  } catch (error) {
    for (const test of group) failures.push([test.name, error]);
    console.log(`FAIL ${key}: ${error.message}`);
  } finally {
    await browser?.close().catch(() => {});
  }
}

if (!inside && wanted.some(test => test.isolated)) await runIsolated();

// The isolated ones of the wanted cases, in one process; its lines are shown as they come, and counted.
async function runIsolated() {
  const here = new URL('.', import.meta.url).pathname;
  const child = track(spawn('sh', [`${here}isolated.sh`, process.execPath, `${here}run.mjs`, '--inside', ...process.argv.slice(2)],
    { stdio: ['ignore', 'pipe', 'inherit'] }));
  console.log('# in a network namespace');
  let output = '';
  child.stdout.on('data', data => { output += data; process.stdout.write(data); });
  const code = await new Promise(done => { child.on('close', done); child.on('error', done); });
  const [, good, bad] = output.match(/(\d+) passed, (\d+) failed/) ?? [];
  passed += Number(good ?? 0);
  if (!good || (code && bad === '0')) failures.push(['the namespace', new Error(`ended with ${code}`)]);
  for (const [, name] of output.matchAll(/^FAIL (.*) \(\d+ ms\)/gm)) failures.push([name, new Error('in the namespace; see above')]);
}

async function runCase(test, browser, tries = 4) {
  const began = Date.now(), notes = [];
  const page = browser && !test.ownPage ? await browser.open() : undefined;
  let timer;
  const limit = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('the case took too long')), test.ms ?? CASE_MS); });
  const cleanups = [];
  try {
    await Promise.race([test.run({ page, browser, note: text => notes.push(text), defer: f => cleanups.push(f) }), limit]);
    passed++;
    console.log(`ok   ${test.name} (${Date.now() - began} ms)${notes.length ? ` ${notes.join(', ')}` : ''}`);
  } catch (error) {
    if (tries > 1 && STACKS[browser?.name]?.races?.test(error.message)) {
      console.log(`race ${test.name} (${Date.now() - began} ms): ${error.message}`);
      return await runCase(test, browser, tries - 1);
    }
    failures.push([test.name, error]);
    console.log(`FAIL ${test.name} (${Date.now() - began} ms): ${error.message}`);
  } finally {
    clearTimeout(timer);
    for (const cleanup of cleanups.reverse()) await Promise.resolve(cleanup()).catch(() => {});
    await page?.close().catch(() => {});
  }
}

for (const [name, error] of failures) console.log(`\n${name}\n${error.stack}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
