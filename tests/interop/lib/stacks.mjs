// The stacks the cases run against, and what is peculiar to each.
//   count       how many messages go each way: the slower ones are sent fewer
//   empty       false: it cannot send empty messages
//   largest     bytes of the largest message it takes, where that is less than 256 KiB
//   tellsKind   false: its face does not tell what kind an incoming channel is of
//   unset       what its face tells where a browser's has null
//   tellsClose  false: it closes without a word, which ICE notices after its consent has run out
//   hearsClose  false: its channels stay open when the connection is closed from here
//   races       what a case may fail of by the stack's own doing, before it is tried again, thrice at most. libdatachannel starts ICE with an
//               answer before it keeps the answer's fingerprint: when its thread is held up there, DTLS comes to the certificate
//               first and refuses it ("certificate verify failed" in its log), and its connection is closed.
//               werift gives out ordered messages that waited behind a loss only as far as their TSNs follow each other: where another
//               channel's message lies between two, the rest stays with it until more comes on the channel, though all of it is
//               acknowledged. Losses there are: what it is sent overflows its socket now and then.
export const STACKS = {
  chromium: { count: 1000 },
  firefox: { count: 1000 },
  libwebrtc: { count: 1000, unset: 65535 },
  libdatachannel: { count: 1000, tellsKind: false, races: /without ICE transport|connected, is closed/ },
  pion: { count: 1000, largest: 65535 },
  aiortc: { count: 200 },
  werift: { count: 50, empty: false, tellsClose: false, races: /50 messages on \w+-(ordered|lifetime|negotiated), got/ },
  gstreamer: { count: 200, empty: false, largest: 65536, tellsClose: false, hearsClose: false },
};
