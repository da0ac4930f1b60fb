//! `a=rid` (RFC 8851, section 10) and `a=simulcast` (RFC 8853, section 5.1).

use crate::Parameters;
use crate::scan::{number, single, word};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Which way a restricted stream flows, as seen by the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RidDirection {
    /// The author sends it.
    Send,
    /// The author receives it.
    Recv,
}

impl RidDirection {
    /// The same flow seen from the other end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Send => Self::Recv,
            Self::Recv => Self::Send,
        }
    }

    /// The direction's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Recv => "recv",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        match name {
            "send" => Some(Self::Send),
            "recv" => Some(Self::Recv),
            _ => None,
        }
    }
}

/// `a=rid:<id> <direction> [pt=<payload types>;<restrictions>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rid {
    /// The RTP stream id: letters, digits, `-` and `_`.
    pub id: String,
    /// Which way it flows.
    pub direction: RidDirection,
    /// Payload types and restrictions.
    pub restrictions: Parameters,
}

impl Rid {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (id, rest) = word(value);
        let (direction, restrictions) = word(rest);
        let direction = RidDirection::parse(direction.trim_ascii_end())?;
        is_rid(id).then(|| Self { id: id.to_owned(), direction, restrictions: Parameters::new(restrictions) })
    }

    /// The payload types it is restricted to; empty means all.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.restrictions.get("pt").unwrap_or_default().split(',').filter_map(number)
    }
}

/// RFC 8851 allows `-` and `_`, RFC 8852 does not; browsers accept them.
fn is_rid(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.direction.as_str())?;
        if self.restrictions.is_empty() { Ok(()) } else { write!(f, " {}", self.restrictions) }
    }
}

/// One way to send a simulcast stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulcastId {
    /// The [`Rid`] that describes it.
    pub rid: String,
    /// Whether it starts paused (written `~`).
    pub paused: bool,
}

/// A list of simulcast streams (separated by `;`), each a list of alternatives in order of preference (`,`).
pub type SimulcastStreams = Vec<Vec<SimulcastId>>;

/// `a=simulcast:send <streams> recv <streams>`, either half optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulcast {
    /// What the author wants to send; empty when it says nothing.
    pub send: SimulcastStreams,
    /// What the author wants to receive.
    pub recv: SimulcastStreams,
}

impl Simulcast {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut simulcast = Self::default();
        let mut words = value.split_ascii_whitespace();
        while let Some(direction) = words.next() {
            let side = match RidDirection::parse(direction)? {
                RidDirection::Send => &mut simulcast.send,
                RidDirection::Recv => &mut simulcast.recv,
            };
            if !side.is_empty() {
                return None;
            }
            *side = streams(words.next()?)?;
        }
        (!simulcast.send.is_empty() || !simulcast.recv.is_empty()).then_some(simulcast)
    }

    /// The same streams seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { send: self.recv, recv: self.send }
    }
}

/// Parses a stream list; the `rid=` of early drafts is passed over.
fn streams(list: &str) -> Option<SimulcastStreams> {
    let list = list.strip_prefix("rid=").unwrap_or(list);
    list.split(';').map(|alternatives| alternatives.split(',').map(simulcast_id).collect()).collect()
}

fn simulcast_id(text: &str) -> Option<SimulcastId> {
    let (rid, paused) = match text.strip_prefix('~') {
        Some(rid) => (rid, true),
        None => (text, false),
    };
    let rid = single(rid).filter(|rid| is_rid(rid))?;
    Some(SimulcastId { rid: rid.to_owned(), paused })
}

impl fmt::Display for Simulcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, side) in [("send", &self.send), ("recv", &self.recv)] {
            if !side.is_empty() {
                write!(f, "{separator}{name}")?;
                write_streams(f, side)?;
                separator = " ";
            }
        }
        Ok(())
    }
}

fn write_streams(f: &mut fmt::Formatter<'_>, streams: &SimulcastStreams) -> fmt::Result {
    let mut before_stream = " ";
    for alternatives in streams {
        let mut separator = before_stream;
        for id in alternatives {
            write!(f, "{separator}{}{}", if id.paused { "~" } else { "" }, id.rid)?;
            separator = ",";
        }
        before_stream = ";";
    }
    Ok(())
}
