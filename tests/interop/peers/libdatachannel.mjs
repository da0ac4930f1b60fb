// libdatachannel (usrsctp, its own ICE, DTLS 1.2), by its W3C-like face for Node.
import native from 'node-datachannel';
import polyfill from 'node-datachannel/polyfill';
import { serve, versionOf } from './page.mjs';

// By itself libdatachannel offers as soon as a channel is made, and answers as soon as an offer comes, on threads of its own:
// what the page asks for would race with that. Here each description is made when it is asked for, and waited for.
class NegotiatingWhenAsked extends polyfill.RTCPeerConnection {
  #native; #made = [];

  constructor(config) {
    const connection = new native.PeerConnection('interop', { iceServers: [], ...config, disableAutoNegotiation: true });
    super({ peerConnection: connection });
    this.#native = connection;
    connection.onLocalDescription((sdp, type) => this.#made.shift()?.({ sdp, type }));
  }

  #make(type) {
    return new Promise(made => {
      this.#made.push(made);
      this.#native.setLocalDescription(type);
    });
  }

  createOffer() { return this.#make('offer'); }
  createAnswer() { return this.#make('answer'); }
  async setLocalDescription() {}
}

serve(versionOf('node-datachannel'), { ...polyfill, RTCPeerConnection: NegotiatingWhenAsked });
