//! Writing session descriptions, line types in the order of RFC 8866, section 5.

use crate::{MediaSection, SessionDescription, SharedAttributes};
use core::fmt::{self, Display, Formatter, Write as _};

impl Display for SessionDescription {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\n")?;
        line(f, "o=", &self.origin)?;
        line(f, "s=", &self.name)?;
        lines(f, "i=", &self.information)?;
        lines(f, "u=", &self.uri)?;
        lines(f, "e=", &self.emails)?;
        lines(f, "p=", &self.phones)?;
        lines(f, "c=", &self.connection)?;
        lines(f, "b=", &self.bandwidths)?;
        for timing in &self.timings {
            write!(f, "t={} {}\r\n", timing.start, timing.stop)?;
            lines(f, "r=", &timing.repeats)?;
        }
        lines(f, "z=", &self.time_zones)?;
        lines(f, "a=group:", &self.groups)?;
        flag(f, self.ice_lite, "a=ice-lite\r\n")?;
        write_shared(f, &self.shared)?;
        lines(f, "a=msid-semantic:", &self.msid_semantic)?;
        lines(f, "a=identity:", &self.identity)?;
        lines(f, "a=", &self.shared.other)?;
        self.media.iter().try_for_each(|media| write_media(f, media))
    }
}

impl Display for MediaSection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_media(f, self)
    }
}

fn write_media(f: &mut Formatter<'_>, media: &MediaSection) -> fmt::Result {
    write!(f, "m={} {}", media.kind, media.port)?;
    if let Some(count) = media.port_count {
        write!(f, "/{count}")?;
    }
    write!(f, " {} {}\r\n", media.protocol, media.formats)?;
    lines(f, "i=", &media.title)?;
    lines(f, "c=", &media.connections)?;
    lines(f, "b=", &media.bandwidths)?;
    write_rtcp(f, media)?;
    lines(f, "a=candidate:", &media.candidates)?;
    lines(f, "a=mid:", &media.mid)?;
    write_shared(f, &media.shared)?;
    flag(f, media.bundle_only, "a=bundle-only\r\n")?;
    write_codecs(f, media)?;
    write_sources(f, media)?;
    lines(f, "a=sctp-port:", &media.sctp_port)?;
    lines(f, "a=max-message-size:", &media.max_message_size)?;
    lines(f, "a=sctp-init:", &media.sctp_init)?;
    lines(f, "a=", &media.shared.other)
}

fn write_shared(f: &mut Formatter<'_>, shared: &SharedAttributes) -> fmt::Result {
    lines(f, "a=ice-ufrag:", &shared.ice_ufrag)?;
    lines(f, "a=ice-pwd:", &shared.ice_pwd)?;
    if !shared.ice_options.is_empty() {
        f.write_str("a=ice-options:")?;
        words(f, &shared.ice_options)?;
    }
    flag(f, shared.end_of_candidates, "a=end-of-candidates\r\n")?;
    lines(f, "a=fingerprint:", &shared.fingerprints)?;
    lines(f, "a=setup:", &shared.setup)?;
    lines(f, "a=tls-id:", &shared.tls_id)?;
    flag(f, shared.extmap_allow_mixed, "a=extmap-allow-mixed\r\n")?;
    lines(f, "a=extmap:", &shared.extmaps)?;
    lines(f, "a=", &shared.direction)
}

fn write_rtcp(f: &mut Formatter<'_>, media: &MediaSection) -> fmt::Result {
    lines(f, "a=rtcp:", &media.rtcp)?;
    flag(f, media.rtcp_mux, "a=rtcp-mux\r\n")?;
    flag(f, media.rtcp_mux_only, "a=rtcp-mux-only\r\n")?;
    flag(f, media.rtcp_rsize, "a=rtcp-rsize\r\n")
}

fn write_codecs(f: &mut Formatter<'_>, media: &MediaSection) -> fmt::Result {
    lines(f, "a=ptime:", &media.ptime)?;
    lines(f, "a=maxptime:", &media.maxptime)?;
    lines(f, "a=rtpmap:", &media.rtpmaps)?;
    lines(f, "a=rtcp-fb:", &media.rtcp_feedback)?;
    lines(f, "a=fmtp:", &media.fmtps)
}

fn write_sources(f: &mut Formatter<'_>, media: &MediaSection) -> fmt::Result {
    lines(f, "a=msid:", &media.msids)?;
    lines(f, "a=rid:", &media.rids)?;
    lines(f, "a=simulcast:", &media.simulcast)?;
    lines(f, "a=ssrc-group:", &media.ssrc_groups)?;
    lines(f, "a=ssrc:", &media.ssrcs)
}

fn line(f: &mut Formatter<'_>, prefix: &str, value: &impl Display) -> fmt::Result {
    f.write_str(prefix)?;
    value.fmt(f)?;
    f.write_str("\r\n")
}

/// One line per value; an `Option` is a list too.
fn lines<'a, T: Display + 'a>(
    f: &mut Formatter<'_>,
    prefix: &str,
    values: impl IntoIterator<Item = &'a T>,
) -> fmt::Result {
    values.into_iter().try_for_each(|value| line(f, prefix, value))
}

fn flag(f: &mut Formatter<'_>, set: bool, line: &str) -> fmt::Result {
    if set { f.write_str(line) } else { Ok(()) }
}

fn words(f: &mut Formatter<'_>, words: &[alloc::string::String]) -> fmt::Result {
    let mut words = words.iter();
    if let Some(first) = words.next() {
        f.write_str(first)?;
    }
    for word in words {
        f.write_char(' ')?;
        f.write_str(word)?;
    }
    f.write_str("\r\n")
}
