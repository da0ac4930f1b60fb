// Connects a page's peer `p` with the program, either side offering. Only `wanted` lines of the descriptions arrive.
// Returns the descriptions.
import { ok } from './expect.mjs';

// `prepare` runs on the offering side before its offer: { browser: async () => …, channel, audio, video }.
export async function join(page, peer, { offerer, channel, media = {}, prepare = async () => {}, wanted = () => true }) {
  const pass = ({ type, sdp }) => ({ type, sdp: sdp.split('\r\n').filter(wanted).join('\r\n') });
  let offer, answer;
  if (offerer === 'browser') {
    await prepare();
    offer = await page.call('offer', 'p');
    answer = await peer.do('answer', { sdp: pass(offer).sdp, ...media });
    await page.call('accept', 'p', pass(answer));
  } else {
    offer = await peer.do('offer', { channel, ...media });
    ok(offer.type === 'offer' && offer.sdp.startsWith('v=0'), 'the program makes an offer');
    await prepare();
    answer = await page.call('answer', 'p', pass(offer));
    await peer.do('accept', { sdp: pass(answer).sdp });
  }
  await Promise.all([page.call('state', 'p', 'connected'), peer.connected()]);
  return { offer, answer };
}
