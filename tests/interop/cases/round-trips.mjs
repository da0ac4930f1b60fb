// How many round trips it takes until the program's first message is with the browser, counted from when both have both descriptions, in
// either role of ICE and of DTLS. The path's are long, so that what else takes time counts little; on a busy machine it does count, so what is
// demanded is less than what is noted.
import { Peer } from '../lib/program.mjs';
import { startDelay } from '../lib/delay.mjs';
import { ok } from '../lib/expect.mjs';

const ROUND_TRIP = 400;

export const cases = [];
for (const browser of ['chromium', 'firefox'])
  for (const offerer of ['browser', 'program'])
    for (const client of ['browser', 'program'])
      cases.push({ name: `${browser}/${offerer} offers/round trips to the first message, ${client} is the DTLS client`, browser,
        run: context => firstMessage(context, offerer, client) });

async function firstMessage({ page, defer, note }, offerer, client) {
  const peer = new Peer(), path = await startDelay(ROUND_TRIP / 2);
  defer(() => path.stop());
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  await page.call('open', 'p', 'theirs');
  await peer.do('channel', { label: 'ours' });
  await peer.do('send', { channel: 'ours', text: 'hello' });
  const setup = `a=setup:${client === offerer ? 'active' : 'passive'}`;
  const pass = async ({ type, sdp }, from) => ({ type, sdp: (await path.through(sdp, from)).replace('a=setup:actpass', setup) });
  if (offerer === 'browser') {
    const offer = await pass(await page.call('offer', 'p'), 'browser');
    const answer = await pass(await peer.do('answer', { sdp: offer.sdp }), 'program');
    await page.call('accept', 'p', answer);
  } else {
    const offer = await pass(await peer.do('offer', {}), 'program');
    const answer = await pass(await page.call('answer', 'p', offer), 'browser');
    await peer.do('accept', { sdp: answer.sdp });
  }
  const began = Date.now();
  await page.call('arrives', 'p', 'ours', 'hello');
  const roundTrips = (Date.now() - began) / ROUND_TRIP;
  note(`${roundTrips.toFixed(2)} round trips`);
  ok(roundTrips < 8, `${roundTrips} round trips`);
}
