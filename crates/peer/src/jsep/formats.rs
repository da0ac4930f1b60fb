//! When two codecs are the same format, and what an answer says about it.

use alloc::format;
use alloc::string::String;
use sendrecv_sdp::{Codec, Parameters};

/// Whether `a` and `b` name the same format, payload types and levels aside (RFC 3264, section 6.1; the payload
/// formats say which parameters tell formats apart).
pub(crate) fn same_format(a: &Codec, b: &Codec) -> bool {
    let channels = |codec: &Codec| codec.channels.unwrap_or(1);
    a.is(&b.name) && a.clock_rate == b.clock_rate && channels(a) == channels(b) && same_parameters(a, b)
}

/// Whether a format carries what is heard or seen, instead of repairing it or going with it.
pub(crate) fn carries_media(codec: &Codec) -> bool {
    !["rtx", "red", "ulpfec", "flexfec-03", "CN", "telephone-event"].iter().any(|name| codec.is(name))
}

fn same_parameters(a: &Codec, b: &Codec) -> bool {
    let same = |key: &str, default: u32| parameter(a, key, default) == parameter(b, key, default);
    match () {
        // RFC 6184, section 8.1.
        () if a.is("H264") => same("packetization-mode", 0) && H264Profile::of(a) == H264Profile::of(b),
        // RFC 7798, section 7.1.
        () if a.is("H265") => same("profile-id", 1) && same("tier-flag", 0) && same("tx-mode", 0),
        () if a.is("VP9") => same("profile-id", 0),
        () if a.is("AV1") => same("profile", 0),
        () if a.is("rtx") => a.apt() == b.apt(),
        () => true,
    }
}

fn parameter(codec: &Codec, key: &str, default: u32) -> Option<u32> {
    match codec.fmtp.get(key) {
        Some(_) => codec.fmtp.number(key),
        None => Some(default),
    }
}

/// The parameters that an answer gives for `ours` when `theirs` was offered: ours, but H.264 keeps the offered profile.
pub(crate) fn answered_parameters(ours: &Codec, theirs: &Codec) -> Parameters {
    if ours.is("H264") { h264_parameters(ours, theirs) } else { ours.fmtp.clone() }
}

/// Levels may differ by direction when both sides say so; else the lower one holds (RFC 6184, section 8.2.2).
fn h264_parameters(ours: &Codec, theirs: &Codec) -> Parameters {
    let asymmetric = |codec: &Codec| codec.fmtp.number::<u8>("level-asymmetry-allowed") == Some(1);
    let (Some(own), Some(offered)) = (ProfileLevelId::of(ours), ProfileLevelId::of(theirs)) else {
        return ours.fmtp.clone();
    };
    let level = if asymmetric(ours) && asymmetric(theirs) { own.level } else { own.level.min(offered.level) };
    let profile_level_id = format!("{:02x}{:02x}{level:02x}", offered.profile, offered.constraints);
    let mut parameters = Parameters::default();
    for (key, value) in ours.fmtp.iter() {
        let is_profile = key.eq_ignore_ascii_case("profile-level-id");
        parameters.push(key, if is_profile { &profile_level_id } else { value });
    }
    parameters
}

/// `profile-level-id` of RFC 6184, section 8.1: `profile_idc`, `profile-iop` and `level_idc`.
#[derive(Clone, Copy)]
struct ProfileLevelId {
    profile: u8,
    constraints: u8,
    level: u8,
}

impl ProfileLevelId {
    /// Baseline at level 1 when the parameter is missing; `None` when it is malformed.
    fn of(codec: &Codec) -> Option<Self> {
        let text = codec.fmtp.get("profile-level-id").unwrap_or("420010");
        let number = u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 6)?;
        let [_, profile, constraints, level] = number.to_be_bytes();
        Some(Self { profile, constraints, level })
    }
}

/// The profiles that different spellings of `profile-level-id` mean (RFC 6184, table 5).
#[derive(Clone, Debug, PartialEq, Eq)]
enum H264Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    High,
    ConstrainedHigh,
    Predictive444,
    Unknown(String),
}

impl H264Profile {
    fn of(codec: &Codec) -> Self {
        let unknown = || Self::Unknown(codec.fmtp.get("profile-level-id").unwrap_or_default().into());
        let Some(id) = ProfileLevelId::of(codec) else { return unknown() };
        let set = |mask: u8| id.constraints & mask == mask;
        match id.profile {
            0x42 if set(0x40) => Self::ConstrainedBaseline,
            0x4d if set(0x80) => Self::ConstrainedBaseline,
            0x58 if set(0xc0) => Self::ConstrainedBaseline,
            0x42 => Self::Baseline,
            0x58 if set(0x80) => Self::Baseline,
            0x4d => Self::Main,
            0x64 if set(0x0c) => Self::ConstrainedHigh,
            0x64 => Self::High,
            0xf4 => Self::Predictive444,
            _ => unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn h264(parameters: &str) -> Codec {
        codec("H264", parameters)
    }

    fn codec(name: &str, parameters: &str) -> Codec {
        Codec {
            payload_type: 96,
            name: name.into(),
            clock_rate: 90_000,
            channels: None,
            fmtp: Parameters::new(parameters),
            feedback: Vec::new(),
        }
    }

    #[test]
    fn h264_profiles_have_several_spellings() {
        let constrained = h264("packetization-mode=1;profile-level-id=42e01f");
        assert!(same_format(&constrained, &h264("profile-level-id=42C00D;packetization-mode=1")));
        assert!(same_format(&constrained, &h264("profile-level-id=4d8014;packetization-mode=1")));
        assert!(!same_format(&constrained, &h264("profile-level-id=42001f;packetization-mode=1")));
        assert!(!same_format(&constrained, &h264("profile-level-id=42e01f")), "the mode defaults to 0");
        assert!(same_format(&h264(""), &h264("profile-level-id=42000a;packetization-mode=0")));
        assert!(!same_format(&h264("profile-level-id=x"), &h264("")));
    }

    #[test]
    fn profiles_tell_vp9_and_av1_apart() {
        assert!(same_format(&codec("VP9", ""), &codec("vp9", "profile-id=0")));
        assert!(!same_format(&codec("VP9", "profile-id=2"), &codec("VP9", "")));
        assert!(same_format(&codec("AV1", ""), &codec("AV1", "level-idx=5;profile=0;tier=0")));
        assert!(!same_format(&codec("AV1", "profile=1"), &codec("AV1", "")));
    }

    #[test]
    fn an_h264_answer_keeps_the_offered_profile() {
        let ours = h264("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
        let theirs = h264("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c00d");
        assert_eq!(answered_parameters(&ours, &theirs).get("profile-level-id"), Some("42c01f"));
        let symmetric = h264("packetization-mode=1;profile-level-id=42c00d");
        assert_eq!(answered_parameters(&ours, &symmetric).get("profile-level-id"), Some("42c00d"));
    }
}
