// The demonstration page itself, used as a visitor would.
import fs from 'node:fs';
import { startServer } from '../lib/program.mjs';
import { equal, ok } from '../lib/expect.mjs';

export const cases = ['chromium', 'firefox'].map(browser => ({ name: `${browser}/the page`, browser, ownPage: true, run: visit }));

async function visit({ browser, note, defer }) {
  const server = await startServer();
  defer(() => server.stop());
  const { page, close } = await browser.open(server.url);
  defer(close);
  const second = await browser.open(server.url);
  defer(second.close);
  const text = selector => page.$eval(selector, element => element.textContent);
  const until = async (what, test, ms = 15000) => {
    for (const end = Date.now() + ms; Date.now() < end; await new Promise(done => setTimeout(done, 50))) {
      const value = await test();
      if (value) return value;
    }
    throw new Error(`the page: ${what}; notice: ${await text('#notice-text')}; status: ${await text('#status-text')}`);
  };

  await until('does not connect', async () => await text('#status-text') === 'connected');
  await until('the second tab does not connect', () => second.page.$eval('#status-text', e => e.textContent === 'connected'));
  await until('chat stays shut', () => page.$eval('#chat-send', button => !button.disabled));
  await page.$eval('#chat-input', input => { input.value = 'hello from a visitor'; });
  await page.$eval('#chat-form', form => form.requestSubmit());
  await until('the chat does not echo', () => page.$eval('#chat-log', list => list.querySelector('.in')?.textContent === 'hello from a visitor'));

  for (const way of ['up', 'down']) {
    await page.$eval(`#tp-${way}`, button => button.click());
    const result = await until(`no ${way} result`, async () => new RegExp(way === 'up' ? 'upload' : 'download').test(await text('#tp-result')) && text('#tp-result'), 20000);
    note(result);
  }

  await page.$eval('#source', select => { select.value = 'synthetic'; });
  await page.$eval('#media-start', button => button.click());
  await until('no echoed picture', () => page.$eval('#echo', video => video.videoWidth > 0 && video.currentTime > 1), 20000);
  await until('the panel lacks lines', async () => /Receiving video/.test(await text('#panel')) && /DTLS 1\.[23]/.test(await text('#panel')));
  equal(await text('#notice-text'), '', 'no notice');
  if (process.env.SCREENSHOTS) {
    fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: `${process.env.SCREENSHOTS}/${browser.name}.png`, fullPage: true });
  }
  const code = await server.stop();
  equal(code, 0, 'Ctrl-C ends the program cleanly');
  await until('the page does not notice the end', async () => /closed|disconnected|failed|gone/.test(await text('#status-text')));
  ok(true, 'done');
}
