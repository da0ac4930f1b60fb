//! Keying material exporters (RFC 5705; RFC 8446, section 7.5).

use crate::record::v13::LABEL_PREFIX;
use sendrecv_crypto::{CryptoError, CryptoProvider, HashAlgorithm, Secret, hkdf, tls12};

/// What the exporter of a version starts from.
pub(crate) enum Exporter {
    /// DTLS 1.2: the master secret and both randoms.
    V12 { hash: HashAlgorithm, master: Secret, client_random: [u8; 32], server_random: [u8; 32] },
    /// DTLS 1.3: the exporter secret.
    V13 { hash: HashAlgorithm, secret: Secret },
}

impl Exporter {
    /// Fills `out`. In DTLS 1.2 no context and an empty context give different bytes, in 1.3 the same.
    pub(crate) fn export(
        &self,
        provider: &dyn CryptoProvider,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        match self {
            Self::V12 { hash, master, client_random, server_random } => {
                let length = context.map(|context| u16::try_from(context.len())).transpose();
                let length = length.map_err(|_| CryptoError::Unsupported)?.map(u16::to_be_bytes);
                let length = length.as_ref().map_or(&[][..], |bytes| &bytes[..]);
                let seed: [&[u8]; 4] = [client_random, server_random, length, context.unwrap_or_default()];
                tls12::prf(provider, *hash, master.expose(), label.as_bytes(), &seed, out)
            }
            Self::V13 { hash, secret } => {
                let digest = |bytes: &[u8]| {
                    let mut state = provider.hash(*hash)?;
                    state.update(bytes);
                    Ok::<_, CryptoError>(state.digest())
                };
                let mut derived = zeroize::Zeroizing::new([0; 64]);
                let derived = derived.get_mut(..hash.output_len()).ok_or(CryptoError::Unsupported)?;
                let (secret, empty) = (secret.expose(), digest(&[])?);
                let label = label.as_bytes();
                hkdf::expand_label(provider, *hash, secret, LABEL_PREFIX, label, empty.as_bytes(), derived)?;
                let context = digest(context.unwrap_or_default())?;
                hkdf::expand_label(
                    provider,
                    *hash,
                    derived,
                    LABEL_PREFIX,
                    b"exporter",
                    context.as_bytes(),
                    out,
                )
            }
        }
    }
}
