//! What a peer connection is configured with.

use crate::error::UsageError;
use crate::ice_server::IceServer;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sendrecv_crypto::CryptoProvider;
use sendrecv_media::CongestionControl;
use serde::{Deserialize, Serialize};

pub use sendrecv_dtls::Certificate;

/// `RTCIceTransportPolicy`: which candidates may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IceTransportPolicy {
    /// Relayed ones only: the peer never learns our addresses.
    Relay,
    /// All.
    #[default]
    All,
}

/// `RTCBundlePolicy`. Everything is offered in one BUNDLE group under each of them; they differ in what is done for
/// peers that cannot bundle, which every browser can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundlePolicy {
    /// One transport per kind where the peer cannot bundle.
    #[default]
    Balanced,
    /// One transport per section where the peer cannot bundle.
    MaxCompat,
    /// One transport in any case.
    MaxBundle,
}

/// `RTCRtcpMuxPolicy`: RTP and RTCP always share a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RtcpMuxPolicy {
    /// Sections that do not multiplex are refused.
    #[default]
    Require,
}

/// `RTCConfiguration`, and behind [`settings`](Self::settings) what a browser decides for itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used.
    pub ice_transport_policy: IceTransportPolicy,
    /// What to do for peers that cannot bundle.
    pub bundle_policy: BundlePolicy,
    /// Always `require`.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// The certificate to use; the first counts. Empty: one is made from the seed.
    #[serde(skip)]
    pub certificates: Vec<Arc<Certificate>>,
    /// How many candidates to gather ahead of need; only 0 has an effect so far.
    pub ice_candidate_pool_size: u8,
    /// What a browser decides for itself.
    #[serde(skip)]
    pub settings: Settings,
}

/// What fits one DTLS record and a UDP packet in any case.
const MAX_IP_PACKET_SIZE: usize = 16_384;

/// The versions of DTLS that may be negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DtlsVersion {
    /// RFC 6347.
    Dtls12,
    /// RFC 9147.
    Dtls13,
}

/// Choices of the host that a browser makes for itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where cryptography comes from.
    pub crypto: &'static dyn CryptoProvider,
    /// Wall-clock time at [`Instant::ZERO`](sendrecv_core::Instant::ZERO), in milliseconds since 1970, for
    /// certificates, RTCP sender reports and the timestamps of statistics.
    pub unix_ms_at_epoch: u64,
    /// The lowest DTLS version to accept.
    pub dtls_min: DtlsVersion,
    /// The highest DTLS version to offer.
    pub dtls_max: DtlsVersion,
    /// Be an ICE-lite agent (RFC 8445, section 2.5): for servers with public addresses.
    pub ice_lite: bool,
    /// Offer to move to better pairs in the middle of a session, e.g. when a cheaper interface comes up; done if the other
    /// side offers it too (draft-thatcher-ice-renomination).
    pub ice_renomination: bool,
    /// What every ICE username fragment begins with, so that a load balancer can route by it. At most 64 characters
    /// of `ice-char` (RFC 8839, section 5.4).
    pub ice_ufrag_prefix: String,
    /// The largest UDP payload to send before path MTU discovery has found more, in bytes (548 to 1472).
    pub initial_packet_size: usize,
    /// The largest IP packet that path MTU discovery for data channels tries, in bytes: 1,500 is what Ethernet carries, 9,000
    /// what many networks inside a data centre do; at most 16,384. 0: none, everything stays within
    /// [`initial_packet_size`](Self::initial_packet_size). Without effect over TCP, and over sockets that do not say
    /// [`dont_fragment`](crate::LocalSocket::dont_fragment), as those of our hosts do.
    pub max_ip_packet_size: usize,
    /// The largest data-channel message to accept, in bytes; announced as `a=max-message-size`. 1 to 2³⁰.
    pub max_message_size: u32,
    /// Offer and accept that the SCTP handshake is saved: each side's INIT is in its description, as `a=sctp-init`
    /// (SNAP, draft-hancke-tsvwg-snap). Peers that do not know it ignore it.
    pub snap: bool,
    /// Offer and accept that the DTLS handshake rides on the connectivity checks, which saves the round trip they take
    /// (SPED, draft-hancke-webrtc-sped). Peers that do not know it ignore it; lite agents do not offer it.
    pub sped: bool,
    /// Accept simulcast that the other side offers to send, as a server does that forwards one of the streams: which
    /// one a packet is of says [`ReceivedRtp::rid`](crate::ReceivedRtp::rid). Browsers never accept it.
    pub receive_simulcast: bool,
    /// Congestion control of media, off unless asked for: the bandwidth is estimated from the peer's feedback, probed for and
    /// told by [`Event::TargetBitrate`](crate::Event::TargetBitrate), which encoders are to follow, and video packets are
    /// spread over time. `None`: packets go as they come.
    pub media_congestion_control: Option<CongestionControl>,
    /// Canonical name in RTCP (RFC 3550, section 6.5.1); empty: a random one.
    pub cname: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            crypto: sendrecv_crypto::default_provider(),
            unix_ms_at_epoch: 0,
            dtls_min: DtlsVersion::Dtls12,
            dtls_max: DtlsVersion::Dtls13,
            ice_lite: false,
            ice_renomination: true,
            ice_ufrag_prefix: String::new(),
            initial_packet_size: 1200,
            max_ip_packet_size: 1500,
            max_message_size: 262_144,
            snap: true,
            sped: true,
            receive_simulcast: false,
            media_congestion_control: None,
            cname: String::new(),
        }
    }
}

impl Configuration {
    /// Checks what a browser's constructor checks, and the ranges of [`Settings`].
    ///
    /// # Errors
    /// [`UsageError::IceServer`] or [`UsageError::Configuration`].
    pub fn validate(&self) -> Result<(), UsageError> {
        for server in &self.ice_servers {
            server.validate()?;
        }
        let settings = &self.settings;
        if settings.dtls_min > settings.dtls_max {
            return Err(UsageError::Configuration("the lowest DTLS version is above the highest"));
        }
        if !(548..=1472).contains(&settings.initial_packet_size) {
            return Err(UsageError::Configuration("initial_packet_size is not within 548 to 1472 bytes"));
        }
        if settings.media_congestion_control.is_some_and(|control| control.min_bps > control.max_bps) {
            return Err(UsageError::Configuration("the least bitrate is above the most"));
        }
        if settings.max_ip_packet_size > MAX_IP_PACKET_SIZE {
            return Err(UsageError::Configuration("max_ip_packet_size is above 16,384 bytes"));
        }
        if !(1..=1 << 30).contains(&settings.max_message_size) {
            return Err(UsageError::Configuration("max_message_size is not within 1 to 2^30 bytes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_json_is_taken_as_it_is() {
        let json = r#"{"iceServers":[{"urls":"turn:turn.example.org","username":"u","credential":"c"}],"iceTransportPolicy":"relay"}"#;
        let configuration: Configuration = serde_json::from_str(json).unwrap();
        assert_eq!(configuration.ice_transport_policy, IceTransportPolicy::Relay);
        assert!(configuration.validate().is_ok());
    }

    #[test]
    fn contradictions_are_refused() {
        let with = |settings| Configuration { settings, ..Configuration::default() }.validate();
        assert!(with(Settings { initial_packet_size: 100, ..Settings::default() }).is_err());
        assert!(
            with(Settings {
                dtls_min: DtlsVersion::Dtls13,
                dtls_max: DtlsVersion::Dtls12,
                ..Settings::default()
            })
            .is_err()
        );
        let control = CongestionControl { min_bps: 2, max_bps: 1, ..CongestionControl::default() };
        assert!(with(Settings { media_congestion_control: Some(control), ..Settings::default() }).is_err());
        assert!(with(Settings { max_ip_packet_size: 16_385, ..Settings::default() }).is_err());
        assert!(with(Settings { max_ip_packet_size: 0, ..Settings::default() }).is_ok());
        assert!(with(Settings { max_message_size: 0, ..Settings::default() }).is_err());
    }
}
