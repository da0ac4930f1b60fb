//! The states of a peer connection, named as in W3C webrtc-pc.

use core::fmt;
use serde::Serialize;

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$state_doc:meta])* $state:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$state_doc])* $state,)+ }

        impl $name {
            /// The W3C enumeration value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

states!(
    /// `RTCPeerConnectionState`: ICE and DTLS taken together.
    PeerConnectionState {
        /// Nothing has started.
        New = "new",
        /// ICE or DTLS is on its way.
        Connecting = "connecting",
        /// ICE and DTLS are through.
        Connected = "connected",
        /// The path went quiet; it may come back.
        Disconnected = "disconnected",
        /// ICE found no path or lost it for good, or DTLS failed.
        Failed = "failed",
        /// [`close`](crate::PeerConnection::close) was called.
        Closed = "closed",
    }
);

states!(
    /// `RTCIceConnectionState`.
    IceConnectionState {
        /// No checks yet.
        New = "new",
        /// Checks are running.
        Checking = "checking",
        /// A pair works; others may still be tried.
        Connected = "connected",
        /// A pair works and nothing is left to try.
        Completed = "completed",
        /// The selected pair went quiet.
        Disconnected = "disconnected",
        /// No pair works.
        Failed = "failed",
        /// [`close`](crate::PeerConnection::close) was called.
        Closed = "closed",
    }
);

states!(
    /// `RTCIceGatheringState`.
    IceGatheringState {
        /// No local description yet.
        New = "new",
        /// Candidates are being collected.
        Gathering = "gathering",
        /// All candidates are known.
        Complete = "complete",
    }
);

states!(
    /// `RTCDtlsTransportState`.
    DtlsTransportState {
        /// The handshake has not begun.
        New = "new",
        /// The handshake is running.
        Connecting = "connecting",
        /// The handshake is through and the peer's certificate verified.
        Connected = "connected",
        /// Closed by either side.
        Closed = "closed",
        /// The handshake or the verification failed.
        Failed = "failed",
    }
);

states!(
    /// `RTCSctpTransportState`.
    SctpTransportState {
        /// The association is being set up, or waits for DTLS.
        Connecting = "connecting",
        /// Data channels can carry messages.
        Connected = "connected",
        /// Ended by either side.
        Closed = "closed",
    }
);

/// Combines the transports' states as W3C webrtc-pc, section 4.4.3 (`RTCPeerConnectionState`) says.
pub(crate) const fn combined(ice: IceConnectionState, dtls: DtlsTransportState) -> PeerConnectionState {
    match (ice, dtls) {
        (IceConnectionState::Closed, _) => PeerConnectionState::Closed,
        (IceConnectionState::Failed, _) | (_, DtlsTransportState::Failed) => PeerConnectionState::Failed,
        (IceConnectionState::Disconnected, _) => PeerConnectionState::Disconnected,
        (IceConnectionState::New, DtlsTransportState::New | DtlsTransportState::Closed) => {
            PeerConnectionState::New
        }
        (
            IceConnectionState::Connected | IceConnectionState::Completed,
            DtlsTransportState::Connected | DtlsTransportState::Closed,
        ) => PeerConnectionState::Connected,
        _ => PeerConnectionState::Connecting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_state_follows_the_transports() {
        use {DtlsTransportState as D, IceConnectionState as I, PeerConnectionState as P};
        for (ice, dtls, expected) in [
            (I::New, D::New, P::New),
            (I::Checking, D::New, P::Connecting),
            (I::Connected, D::New, P::Connecting),
            (I::Connected, D::Connecting, P::Connecting),
            (I::Completed, D::Connected, P::Connected),
            (I::Disconnected, D::Connected, P::Disconnected),
            (I::Connected, D::Failed, P::Failed),
            (I::Failed, D::Connected, P::Failed),
            (I::Closed, D::Connected, P::Closed),
        ] {
            assert_eq!(combined(ice, dtls), expected, "{ice} {dtls}");
        }
    }

    #[test]
    fn states_print_their_w3c_names() {
        assert_eq!(PeerConnectionState::Connecting.as_str(), "connecting");
        assert_eq!(IceGatheringState::Complete.as_str(), "complete");
    }
}
