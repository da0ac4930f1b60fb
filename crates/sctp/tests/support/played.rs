//! One association whose peer is played chunk by chunk.

use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Writer};
use sendrecv_sctp::wire::{Chunk, Chunks, CommonHeader, DataHeader, Init, InitExtensions, Parameters, kind};
use sendrecv_sctp::{Association, Config, Discard, Event, crc32c};
use std::time::Duration;
use std::vec::Vec;

/// The tag the peer wants to be addressed with, and its first TSN.
pub const OUR_TAG: u32 = 0x0102_0304;
pub const OUR_TSN: u32 = 1000;

/// A chunk as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub tag: u32,
    pub kind: u8,
    pub flags: u8,
    pub value: Vec<u8>,
}

/// The association, and what its peer knows.
pub struct Played {
    pub machine: Association,
    pub now: Instant,
    /// The tag to address it with, and its first TSN.
    pub tag: u32,
    pub its_tsn: u32,
}

/// Everything that can be announced.
pub const ALL: InitExtensions =
    InitExtensions { partial_reliability: true, reconfig: true, interleaving: true, zero_checksum: false };

pub fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Chunk { kind, flags, value }.write(&mut bytes).unwrap();
    bytes
}

/// A packet with a right checksum.
pub fn packet(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header =
        CommonHeader { source_port: 5000, destination_port: 5000, verification_tag: tag, checksum: [0; 4] };
    header.write(&mut bytes).unwrap();
    bytes.put(chunks).unwrap();
    let crc = crc32c(&bytes).to_le_bytes();
    bytes[8..12].copy_from_slice(&crc);
    bytes
}

/// An INIT or INIT ACK of the peer's, with further parameters.
pub fn init(kind: u8, extensions: InitExtensions, more: &[u8]) -> Vec<u8> {
    let mut parameters = Vec::new();
    extensions.write(&mut parameters).unwrap();
    parameters.extend_from_slice(more);
    let init = Init {
        initiate_tag: OUR_TAG,
        a_rwnd: 1 << 20,
        outbound_streams: 10,
        inbound_streams: 10,
        initial_tsn: OUR_TSN,
        parameters: Parameters::new(&parameters),
    };
    let mut bytes = Vec::new();
    init.write(kind, &mut bytes).unwrap();
    bytes
}

/// An ordered DATA or I-DATA chunk that is a whole message of four bytes.
pub fn data(interleaved: bool, tsn: u32, stream: u16, message_id: u32) -> Vec<u8> {
    fragment(interleaved, (tsn, stream, message_id, 0), (true, true))
}

/// A fragment of four bytes: TSN, stream, message and fragment number; whether it is the first, and the last.
pub fn fragment(
    interleaved: bool,
    (tsn, stream, message_id, fragment): (u32, u16, u32, u32),
    (beginning, ending): (bool, bool),
) -> Vec<u8> {
    let header = DataHeader {
        interleaved,
        immediate: false,
        unordered: false,
        beginning,
        ending,
        tsn,
        stream,
        message_id,
        ppid: 51,
        fragment,
    };
    let mut bytes = Vec::new();
    header.write(&[7; 4], &mut bytes).unwrap();
    bytes
}

impl Played {
    /// An association that was told nothing yet.
    pub fn new(config: Config) -> Self {
        let now = Instant::from_millis(1000);
        let machine = Association::new(config, &Seed::from_u64(1), now);
        let local = machine.local_init();
        let local = Chunks::new(&local).next().unwrap().unwrap();
        let local = Init::parse(&local).unwrap();
        Self { now, tag: local.initiate_tag, its_tsn: local.initial_tsn, machine }
    }

    /// Established with a peer that announces these extensions, and quiet.
    pub fn established(config: Config, extensions: InitExtensions) -> Self {
        let mut played = Self::new(config);
        played.machine.connect_with_init(played.now, &init(kind::INIT, extensions, &[])).unwrap();
        played.hears();
        played.events();
        played
    }

    /// The peer sends these chunks in one packet.
    pub fn says(&mut self, chunks: &[u8]) -> Result<(), Discard> {
        self.machine.handle_datagram(self.now, &packet(self.tag, chunks))
    }

    /// Everything the association sends now, chunk by chunk.
    pub fn hears(&mut self) -> Vec<Heard> {
        let mut slab = [0; 2000];
        let mut heard = Vec::new();
        loop {
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if self.machine.poll_transmit(self.now, &mut out).is_none() {
                return heard;
            }
            let (header, body) = CommonHeader::parse(out.bytes()).unwrap();
            heard.extend(Chunks::new(body).map(|chunk| {
                let Chunk { kind, flags, value } = chunk.unwrap();
                Heard { tag: header.verification_tag, kind, flags, value: value.to_vec() }
            }));
        }
    }

    /// The kinds of what it sends now.
    pub fn hears_kinds(&mut self) -> Vec<u8> {
        self.hears().into_iter().map(|heard| heard.kind).collect()
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.machine.poll_event()).collect()
    }

    /// Streams of the messages that have arrived.
    pub fn messages(&mut self) -> Vec<u16> {
        let stream = |event| if let Event::Message(message) = event { Some(message.stream) } else { None };
        self.events().into_iter().filter_map(stream).collect()
    }

    /// Lets time pass, and what is due happen.
    pub fn waits(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            if self.machine.poll_timeout().is_some_and(|at| at <= self.now) {
                break;
            }
        }
        self.now = end;
    }

    /// Goes to the next deadline and lets what is due happen; false when there is none.
    pub fn goes_on(&mut self) -> bool {
        let Some(at) = self.machine.poll_timeout() else { return false };
        self.now = self.now.max(at);
        self.machine.handle_timeout(self.now);
        true
    }
}
