// Connects a page's peer `p` with the program, either side offering.
import { ok } from './expect.mjs';

// `prepare` runs on the offering side before its offer: { browser: async () => …, channel, audio, video }.
export async function join(page, peer, { offerer, channel, media = {}, prepare = async () => {} }) {
  if (offerer === 'browser') {
    await prepare();
    const offer = await page.call('offer', 'p');
    const answer = await peer.do('answer', { sdp: offer.sdp, ...media });
    await page.call('accept', 'p', answer);
  } else {
    const offer = await peer.do('offer', { channel, ...media });
    ok(offer.type === 'offer' && offer.sdp.startsWith('v=0'), 'the program makes an offer');
    await prepare();
    const answer = await page.call('answer', 'p', offer);
    await peer.do('accept', { sdp: answer.sdp });
  }
  await Promise.all([page.call('state', 'p', 'connected'), peer.connected()]);
}
