// Turns the program's W3C statistics into the lines of the panel.
const rate = bits => bits >= 1e6 ? `${(bits / 1e6).toFixed(2)} Mbit/s` : `${(bits / 1e3).toFixed(0)} kbit/s`;
const size = bytes => bytes < 1e3 ? `${bytes} B` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
const milliseconds = seconds => seconds === undefined ? '–' : `${(seconds * 1000).toFixed(2)} ms`;

export function describe(report, previous) {
  const all = Object.values(report), old = previous ?? {};
  const of = type => all.filter(entry => entry.type === type).sort((a, b) => (a.kind ?? '').localeCompare(b.kind ?? ''));
  const perSecond = (entry, field) => {
    const before = old[entry.id];
    const seconds = before ? (entry.timestamp - before.timestamp) / 1000 : 0;
    return seconds > 0 ? (entry[field] - before[field]) / seconds : 0;
  };
  const [transport] = of('transport');
  return [
    ...pairLines(report, transport),
    ...transportLines(transport),
    ...of('transport').map(t => ['Sent / received', `${rate(perSecond(t, 'bytesSent') * 8)} / ${rate(perSecond(t, 'bytesReceived') * 8)}`]),
    ...of('inbound-rtp').map(s => [`Receiving ${s.kind}`, `${rate(perSecond(s, 'bytesReceived') * 8)}, ${s.packetsReceived} packets, ${s.packetsLost ?? 0} lost, jitter ${milliseconds(s.jitter)}`]),
    ...of('outbound-rtp').map(s => [`Sending ${s.kind}`, `${rate(perSecond(s, 'bytesSent') * 8)}, ${s.packetsSent} packets, ${s.retransmittedPacketsSent ?? 0} again, ${s.nackCount ?? 0} NACK, ${s.pliCount ?? 0} PLI`]),
    ...of('remote-inbound-rtp').map(s => [`Browser’s report on ${s.kind}`, `${s.packetsLost ?? 0} lost, RTT ${milliseconds(s.roundTripTime)}`]),
    ...of('data-channel').map(c => [`Channel ${c.label}`, `${c.state}, ${c.messagesReceived} in (${size(c.bytesReceived)}), ${c.messagesSent} out (${size(c.bytesSent)})`]),
  ];
}

function pairLines(report, transport) {
  const pair = report[transport?.selectedCandidatePairId];
  if (!pair) return [['Candidate pair', 'none yet']];
  const end = id => {
    const c = report[id] ?? {};
    return `${c.address ?? '?'}:${c.port ?? '?'} (${c.candidateType ?? '?'})`;
  };
  return [
    ['Candidate pair', `${end(pair.localCandidateId)} ↔ ${end(pair.remoteCandidateId)}`],
    ['Round-trip time', milliseconds(pair.currentRoundTripTime)],
  ];
}

const VERSIONS = { FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' };

function transportLines(transport) {
  if (!transport) return [];
  return [
    ['Security', `${VERSIONS[transport.tlsVersion] ?? '–'} ${transport.dtlsCipher ?? ''}`],
    ['Key exchange', transport.tlsGroup ?? '–'],
    ['SRTP', transport.srtpCipher ?? '–'],
    ['DTLS role', transport.dtlsRole ?? '–'],
  ];
}
