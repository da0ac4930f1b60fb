//! The commands of `sendrecv peer`, as JSON.

use sendrecv::{Configuration, CongestionControl, DataChannelInit, DtlsVersion, IceCandidateInit};
use serde::Deserialize;
use std::path::PathBuf;

/// One line of standard input.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Command {
    Configure(Box<Settings>),
    Offer(Offer),
    Answer(Answer),
    Accept { sdp: String },
    Candidate { candidate: Option<IceCandidateInit> },
    Channel(Channel),
    Send(Send),
    CloseChannel { channel: String },
    Layer { rid: String },
    State,
    Stats,
    Restart,
    Close,
    Quit,
}

/// `RTCConfiguration`, and what a browser does not let choose.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    #[serde(flatten)]
    configuration: Configuration,
    dtls: Dtls,
    snap: Option<bool>,
    sped: Option<bool>,
    simulcast: Option<bool>,
    #[serde(rename = "congestionControl")]
    congestion_control: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Dtls {
    min: Option<String>,
    max: Option<String>,
}

impl Settings {
    /// The configuration these settings make; an error names what is wrong.
    pub(crate) fn to_configuration(&self) -> Result<Configuration, String> {
        let mut configuration = self.configuration.clone();
        if let Some(version) = &self.dtls.min {
            configuration.settings.dtls_min = parse_version(version)?;
        }
        if let Some(version) = &self.dtls.max {
            configuration.settings.dtls_max = parse_version(version)?;
        }
        let settings = &mut configuration.settings;
        settings.snap = self.snap.unwrap_or(settings.snap);
        settings.sped = self.sped.unwrap_or(settings.sped);
        settings.receive_simulcast = self.simulcast.unwrap_or(settings.receive_simulcast);
        settings.media_congestion_control = self.congestion_control.then(CongestionControl::default);
        configuration.validate().map_err(|error| error.to_string())?;
        Ok(configuration)
    }
}

fn parse_version(version: &str) -> Result<DtlsVersion, String> {
    match version {
        "1.2" => Ok(DtlsVersion::Dtls12),
        "1.3" => Ok(DtlsVersion::Dtls13),
        other => Err(format!("there is no DTLS version {other:?} here, only \"1.2\" and \"1.3\"")),
    }
}

/// Makes an offer.
#[derive(Debug, Deserialize)]
pub(crate) struct Offer {
    #[serde(flatten)]
    pub(crate) media: Media,
    /// The label of a channel to open.
    pub(crate) channel: Option<String>,
}

/// Answers one.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) sdp: String,
    #[serde(flatten)]
    pub(crate) media: Media,
}

/// Which media, and what to send.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Media {
    pub(crate) audio: bool,
    pub(crate) video: bool,
    pub(crate) source: Source,
}

impl Default for Media {
    fn default() -> Self {
        Self { audio: false, video: false, source: Source::Synthetic }
    }
}

/// What to send in sections of ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A moving mosaic and a tone.
    Synthetic,
    /// What the other side sends.
    Echo,
    /// Frames of an IVF file, over and over.
    Ivf(PathBuf),
}

/// Opens a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Channel {
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) init: DataChannelInit,
    /// Send back what comes in on it.
    #[serde(default)]
    pub(crate) echo: bool,
}

/// Sends on a channel: `text`, or `bytes` of the pattern, or `count` messages whose sizes go through `sizes` in turn.
#[derive(Debug, Deserialize)]
pub(crate) struct Send {
    pub(crate) channel: String,
    pub(crate) text: Option<String>,
    pub(crate) bytes: Option<usize>,
    pub(crate) count: Option<u32>,
    #[serde(default)]
    pub(crate) sizes: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, serde_json::Error> {
        serde_json::from_str(line)
    }

    #[test]
    fn the_documented_commands_parse() {
        for line in [
            r#"{"do":"configure","iceServers":[{"urls":"stun:stun.example.org"}],"dtls":{"max":"1.2"}}"#,
            r#"{"do":"offer","audio":true,"video":true,"channel":"chat"}"#,
            r#"{"do":"offer","audio":true,"source":{"ivf":"a.ivf"}}"#,
            r#"{"do":"answer","sdp":"v=0","audio":true,"video":false}"#,
            r#"{"do":"accept","sdp":"v=0"}"#,
            r#"{"do":"candidate","candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}"#,
            r#"{"do":"candidate","candidate":null}"#,
            r#"{"do":"channel","label":"x","init":{"ordered":false,"maxRetransmits":3}}"#,
            r#"{"do":"send","channel":"x","text":"hi"}"#,
            r#"{"do":"send","channel":"x","bytes":1000}"#,
            r#"{"do":"close_channel","channel":"x"}"#,
            r#"{"do":"state"}"#,
            r#"{"do":"stats"}"#,
            r#"{"do":"restart"}"#,
            r#"{"do":"close"}"#,
            r#"{"do":"quit"}"#,
        ] {
            assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
        }
        assert!(parse(r#"{"do":"dance"}"#).is_err());
    }

    #[test]
    fn a_dtls_version_is_taken_by_its_number() {
        let Ok(Command::Configure(settings)) = parse(r#"{"do":"configure","dtls":{"max":"1.2"}}"#) else {
            panic!()
        };
        assert_eq!(settings.to_configuration().unwrap().settings.dtls_max, DtlsVersion::Dtls12);
        let Ok(Command::Configure(settings)) = parse(r#"{"do":"configure","dtls":{"max":"0.9"}}"#) else {
            panic!()
        };
        assert!(settings.to_configuration().unwrap_err().contains("0.9"));
    }
}
