//! The key schedule (RFC 8446, section 7.1, with the label prefix of RFC 9147, section 5.9).
//!
//! ```text
//! 0 ─ Extract(0) ─ Derive "derived" ─ Extract(ECDHE) ─┬─ Derive "c hs traffic", "s hs traffic"
//!                                                     └─ Derive "derived" ─ Extract(0) ─ Derive "c ap traffic",
//!                                                                           "s ap traffic", "exp master"
//! ```

use crate::record::v13::LABEL_PREFIX;
use crate::{CipherSuite, Role};
use sendrecv_crypto::{CryptoError, CryptoProvider, Digest, HashAlgorithm, Secret, hkdf};

/// A provider and a suite's hash.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    provider: &'static dyn CryptoProvider,
    hash: HashAlgorithm,
    prefix: &'static [u8],
}

/// A secret from which others are derived.
struct Source {
    expander: hkdf::Expander,
    schedule: Schedule,
}

/// The secrets of the handshake epoch, and what the application's are made from.
pub(crate) struct HandshakeSecrets {
    schedule: Schedule,
    master: Secret,
    client: Secret,
    server: Secret,
}

/// The secrets after the handshake.
pub(crate) struct ApplicationSecrets {
    pub(crate) client: Secret,
    pub(crate) server: Secret,
    pub(crate) exporter: Secret,
}

impl ApplicationSecrets {
    /// The traffic secrets as seen by `role`: ours, then the peer's.
    pub(crate) fn into_ours_theirs_exporter(self, role: Role) -> (Secret, Secret, Secret) {
        match role {
            Role::Client => (self.client, self.server, self.exporter),
            Role::Server => (self.server, self.client, self.exporter),
        }
    }
}

impl Schedule {
    pub(crate) const fn new(provider: &'static dyn CryptoProvider, suite: CipherSuite) -> Self {
        Self { provider, hash: suite.hash(), prefix: LABEL_PREFIX }
    }

    /// A secret that is prepared for Derive-Secret.
    fn source(&self, secret: &Secret) -> Result<Source, CryptoError> {
        let expander = hkdf::Expander::new(self.provider, self.hash, secret.expose())?;
        Ok(Source { expander, schedule: *self })
    }

    fn expand(&self, secret: &Secret, label: &[u8], context: &[u8]) -> Result<Secret, CryptoError> {
        self.source(secret)?.expand(label, context)
    }

    fn extract(&self, salt: &Secret, input: &[u8]) -> Result<Secret, CryptoError> {
        hkdf::extract(self.provider, self.hash, salt.expose(), input)
    }

    /// The handshake secrets from the key exchange and the transcript up to ServerHello.
    pub(crate) fn handshake(
        self,
        shared: &Secret,
        transcript: &Digest,
    ) -> Result<HandshakeSecrets, CryptoError> {
        let zeros = [0; 64];
        let zeros = zeros.get(..self.hash.output_len()).unwrap_or_default();
        let early = self.extract(&Secret::default(), zeros)?;
        let nothing = self.provider.hash(self.hash)?.digest();
        let derived = self.expand(&early, b"derived", nothing.as_bytes())?;
        let handshake = self.source(&self.extract(&derived, shared.expose())?)?;
        let derived = handshake.expand(b"derived", nothing.as_bytes())?;
        Ok(HandshakeSecrets {
            client: handshake.expand(b"c hs traffic", transcript.as_bytes())?,
            server: handshake.expand(b"s hs traffic", transcript.as_bytes())?,
            master: self.extract(&derived, zeros)?,
            schedule: self,
        })
    }

    /// The traffic secret after a KeyUpdate (RFC 8446, section 7.2).
    pub(crate) fn next_generation(&self, secret: &Secret) -> Result<Secret, CryptoError> {
        self.expand(secret, b"traffic upd", &[])
    }
}

impl Source {
    fn expand(&self, label: &[u8], context: &[u8]) -> Result<Secret, CryptoError> {
        let mut out = alloc::vec![0; self.schedule.hash.output_len()];
        self.expander.expand_label(self.schedule.prefix, label, context, &mut out)?;
        Ok(Secret::new(out))
    }
}

impl HandshakeSecrets {
    /// The handshake traffic secret of one side.
    pub(crate) const fn traffic(&self, side: Role) -> &Secret {
        match side {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// The verify_data of one side's Finished over the transcript before it (RFC 8446, section 4.4.4).
    pub(crate) fn finished(&self, side: Role, transcript: &Digest) -> Result<Digest, CryptoError> {
        let key = self.schedule.expand(self.traffic(side), b"finished", &[])?;
        let hmac = self.schedule.provider.hmac(self.schedule.hash, key.expose())?;
        Ok(hmac.mac(&[transcript.as_bytes()]))
    }

    /// The application secrets from the transcript up to the server's Finished.
    pub(crate) fn application(&self, transcript: &Digest) -> Result<ApplicationSecrets, CryptoError> {
        let master = self.schedule.source(&self.master)?;
        let derive = |label| master.expand(label, transcript.as_bytes());
        Ok(ApplicationSecrets {
            client: derive(b"c ap traffic")?,
            server: derive(b"s ap traffic")?,
            exporter: derive(b"exp master")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use sendrecv_crypto::default_provider;

    /// The steps of RFC 8448's simple 1-RTT handshake, as the vectors tell them.
    struct Trace(Vec<(String, String, Vec<u8>)>);

    impl Trace {
        fn load() -> Self {
            let json = include_str!("../../../../tests/vectors/dtls/tls13_rfc8448_simple.json");
            let steps: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
            let text = |step: &serde_json::Value, name: &str| String::from(step[name].as_str().unwrap());
            let read =
                |step| (text(step, "step"), text(step, "name"), hex::decode(text(step, "hex")).unwrap());
            Self(steps.iter().map(read).collect())
        }

        fn get(&self, step: &str, name: &str) -> &[u8] {
            let found = self.0.iter().find(|(s, n, _)| s.contains(step) && n == name);
            &found.unwrap_or_else(|| panic!("{step} / {name}")).2
        }

        fn hash(&self, messages: &[&str]) -> Digest {
            let mut hash = default_provider().hash(HashAlgorithm::Sha256).unwrap();
            messages.iter().for_each(|name| {
                let found = self.0.iter().find(|(_, n, _)| n == name);
                hash.update(&found.unwrap_or_else(|| panic!("{name}")).2);
            });
            hash.digest()
        }
    }

    #[test]
    fn it_computes_the_numbers_of_rfc_8448() {
        let trace = Trace::load();
        let schedule =
            Schedule { provider: default_provider(), hash: HashAlgorithm::Sha256, prefix: b"tls13 " };
        let shared = Secret::from(trace.get("extract secret \"handshake\"", "IKM"));
        let secrets = schedule.handshake(&shared, &trace.hash(&["ClientHello", "ServerHello"])).unwrap();
        assert_eq!(secrets.client.expose(), trace.get("c hs traffic", "expanded"));
        assert_eq!(secrets.server.expose(), trace.get("s hs traffic", "expanded"));
        assert_eq!(secrets.master.expose(), trace.get("extract secret \"master\"", "secret"));
        let before_finished =
            ["ClientHello", "ServerHello", "EncryptedExtensions", "Certificate", "CertificateVerify"];
        let finished = secrets.finished(Role::Server, &trace.hash(&before_finished)).unwrap();
        assert_eq!(finished.as_bytes(), &trace.get("construct a Finished", "Finished")[4..]);
        let all = [&before_finished[..], &["Finished"]].concat();
        let application = secrets.application(&trace.hash(&all)).unwrap();
        assert_eq!(application.client.expose(), trace.get("c ap traffic", "expanded"));
        assert_eq!(application.server.expose(), trace.get("s ap traffic", "expanded"));
        assert_eq!(application.exporter.expose(), trace.get("exp master", "expanded"));
    }
}
