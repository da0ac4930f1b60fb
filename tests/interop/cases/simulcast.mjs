// Simulcast: the browser sends one track in three encodings, the program takes all of them and sends back one, then another.
import { Peer } from '../lib/program.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

const WIDTHS = { q: 240, h: 480, f: 960 }, RIDS = Object.keys(WIDTHS);
export const cases = ['chromium', 'firefox'].map(browser =>
  ({ name: `${browser}/browser offers/three simulcast layers received, one echoed`, browser, run: layers }));

async function layers({ page, note, defer }) {
  const peer = new Peer();
  defer(() => peer.quit());
  await peer.do('configure', { simulcast: true });
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  const { answer } = await join(page, peer, { offerer: 'browser', media: { video: true, source: 'echo' },
    prepare: () => page.call('simulcast', 'p', RIDS) });
  ok(answer.sdp.includes('a=simulcast:recv q;h;f'), 'the program accepts three layers');
  const layers = state => state.received.video.layers ?? {};
  const state = await peer.until('all layers', state => RIDS.every(rid => layers(state)[rid] > 30), 30000);
  for (const rid of ['f', 'q', 'h']) {
    await peer.do('layer', { rid });
    await page.call('width', 'p', WIDTHS[rid]);
  }
  const { stats } = await peer.do('stats'), inbound = Object.values(stats).filter(s => s.type === 'inbound-rtp');
  equal(inbound.map(s => s.rid).sort().join(), 'f,h,q', 'statistics of each layer');
  note(`packets ${JSON.stringify(layers(state))}; 960, 240 and 480 wide came back`);
}
