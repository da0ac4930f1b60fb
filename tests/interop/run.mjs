// Runs every case against every browser it names. Usage: node run.mjs [--filter TEXT] [--browser NAME] [--list]
// Each case module exports `cases`: [{ name, browser?, options?, run({ page, browser, note }) }]; cases of one browser
// with equal options share one browser process.
import fs from 'node:fs';
import { start } from './lib/browsers.mjs';

const argument = name => { const i = process.argv.indexOf(name); return i < 0 ? undefined : process.argv[i + 1]; };
const filter = argument('--filter'), only = argument('--browser'), CASE_MS = 60000;

const cases = [];
for (const file of fs.readdirSync(new URL('cases', import.meta.url)).sort())
  if (file.endsWith('.mjs')) cases.push(...(await import(`./cases/${file}`)).cases);
const wanted = cases.filter(c => (!filter || c.name.includes(filter)) && (!only || c.name.startsWith(only)));
if (process.argv.includes('--list')) {
  for (const { name } of wanted) console.log(name);
  process.exit(0);
}
if (!wanted.length) {
  console.error(`no case matches ${filter}`);
  process.exit(2);
}

const groups = new Map();
for (const test of wanted) {
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

async function runCase(test, browser) {
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
