//! Remote tracks and the events they cause (W3C webrtc-pc, section 5.1.1, "process remote tracks").

use super::{TrackChanges, TrackEvent, Transceiver};
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_sdp::{Direction, MediaSection};

impl Transceiver {
    /// Brings the remote track and its streams up to date with a description.
    pub(crate) fn process_remote_track(
        &mut self,
        direction: Direction,
        streams: Vec<String>,
        changes: &mut TrackChanges,
    ) {
        let receives = |direction: Option<Direction>| direction.is_some_and(Direction::receives);
        let joined = self.set_remote_streams(streams, changes);
        if receives(Some(direction)) && (!receives(self.fired_direction) || joined) {
            changes.events.push(TrackEvent {
                transceiver: self.id,
                kind: self.kind,
                track: self.receiver.track.clone(),
                streams: self.receiver.streams.clone(),
            });
        }
        if !direction.receives() && receives(self.fired_direction) {
            changes.muted.push(self.id);
        }
        self.fired_direction = Some(direction);
    }

    /// The local side stopped receiving: the track leaves its streams.
    pub(crate) fn stop_receiving(&mut self, changes: &mut TrackChanges) {
        if self.fired_direction.is_some_and(Direction::receives) {
            self.set_remote_streams(Vec::new(), changes);
            changes.muted.push(self.id);
        }
    }

    /// Replaces the streams and says whether the track joined one.
    fn set_remote_streams(&mut self, streams: Vec<String>, changes: &mut TrackChanges) -> bool {
        let id = self.id;
        let before = core::mem::take(&mut self.receiver.streams);
        changes
            .removed
            .extend(before.iter().filter(|own| !streams.contains(own)).map(|own| (own.clone(), id)));
        let added = changes.added.len();
        changes.added.extend(streams.iter().filter(|new| !before.contains(new)).map(|new| (new.clone(), id)));
        self.receiver.streams = streams;
        changes.added.len() > added
    }
}

/// The streams that a remote section's track is in: those of its `a=msid` lines, of `a=ssrc … msid` as of old, or the
/// default one (RFC 9429, section 5.8.2).
pub(crate) fn remote_streams(media: &MediaSection, default_stream: &str) -> Vec<String> {
    let mut streams: Vec<String> = Vec::new();
    let mut add = |stream: &str| {
        if stream != "-" && !streams.iter().any(|own| own == stream) {
            streams.push(stream.into());
        }
    };
    if !media.msids.is_empty() {
        media.msids.iter().for_each(|msid| add(&msid.stream));
        return streams;
    }
    let mut of_old = media.ssrcs.iter().filter(|line| line.attribute.name == "msid").peekable();
    if of_old.peek().is_none() {
        add(default_stream);
    }
    for line in of_old {
        add(line.attribute.value.as_deref().unwrap_or("-").split(' ').next().unwrap_or("-"));
    }
    streams
}

/// The id of a remote section's track, if it gives one.
pub(crate) fn remote_track(media: &MediaSection) -> Option<&str> {
    media.msids.first().and_then(|msid| msid.track.as_deref())
}
