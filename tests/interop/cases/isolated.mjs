// The same cases inside a network namespace of their own, where browsers see an ordinary interface instead of loopback.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = new URL('..', import.meta.url).pathname;
const INSIDE = ['offers/256 KiB', 'offers/opus and VP8', 'offers/opus and video/VP8', 'hidden behind mDNS'];

export const cases = process.env.INSIDE ? [] : ['chromium', 'firefox'].map(browser => ({
  name: `${browser}/in a network namespace of its own`,
  ms: 120000,
  async run({ note }) {
    for (const filter of INSIDE.filter(filter => browser === 'chromium' || !/mDNS/.test(filter))) {
      const args = [`${here}isolated.sh`, process.execPath, `${here}run.mjs`, '--filter', filter, '--browser', browser];
      const { stdout } = await run('sh', args, { env: { ...process.env, INSIDE: '1' }, timeout: 90000 }).catch(error => {
        throw new Error(`${filter}: ${error.stdout || error.message}`);
      });
      note(stdout.match(/\d+ passed/)[0]);
    }
  },
}));
