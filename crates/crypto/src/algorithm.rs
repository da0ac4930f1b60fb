//! The algorithms a provider may be asked for, by their IANA names.

/// Authenticated ciphers with 96-bit nonces and 128-bit tags (RFC 5116, RFC 8439).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AeadAlgorithm {
    /// AEAD_AES_128_GCM.
    Aes128Gcm,
    /// AEAD_AES_256_GCM.
    Aes256Gcm,
    /// AEAD_CHACHA20_POLY1305.
    ChaCha20Poly1305,
}

impl AeadAlgorithm {
    /// Key length in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }
}

/// Hash functions. MD5 and SHA-1 serve STUN's credentials and SRTP's HMAC only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// MD5, for STUN long-term credentials (RFC 8489, section 9.2.2).
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// Output length in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Key exchange groups (TLS Supported Groups registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedGroup {
    /// secp256r1, uncompressed points of 65 bytes.
    Secp256r1,
    /// secp384r1, uncompressed points of 97 bytes.
    Secp384r1,
    /// x25519, 32 bytes.
    X25519,
    /// X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): client share 1216 bytes, server share 1120, the ML-KEM part first.
    X25519MlKem768,
}

impl NamedGroup {
    /// The registry's code point.
    pub const fn code(self) -> u16 {
        match self {
            Self::Secp256r1 => 0x0017,
            Self::Secp384r1 => 0x0018,
            Self::X25519 => 0x001d,
            Self::X25519MlKem768 => 0x11ec,
        }
    }

    /// Length in bytes of a private share: the big-endian scalar of a NIST curve, X25519's 32 bytes, or the 64-byte
    /// ML-KEM seed (FIPS 203, `d || z`) followed by X25519's 32 bytes.
    pub const fn private_len(self) -> usize {
        match self {
            Self::Secp256r1 | Self::X25519 => 32,
            Self::Secp384r1 => 48,
            Self::X25519MlKem768 => 96,
        }
    }

    /// The group with this code point, if known.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0017 => Some(Self::Secp256r1),
            0x0018 => Some(Self::Secp384r1),
            0x001d => Some(Self::X25519),
            0x11ec => Some(Self::X25519MlKem768),
            _ => None,
        }
    }
}

/// Signature schemes (TLS SignatureScheme registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureScheme {
    /// ecdsa_secp256r1_sha256, DER-encoded signatures.
    EcdsaSecp256r1Sha256,
    /// ecdsa_secp384r1_sha384, DER-encoded signatures.
    EcdsaSecp384r1Sha384,
    /// rsa_pkcs1_sha256 (DTLS 1.2 and certificates only).
    RsaPkcs1Sha256,
    /// rsa_pkcs1_sha384, as above; verified only.
    RsaPkcs1Sha384,
    /// rsa_pkcs1_sha512, as above; verified only.
    RsaPkcs1Sha512,
    /// rsa_pss_rsae_sha256.
    RsaPssRsaeSha256,
    /// rsa_pss_rsae_sha384; verified only.
    RsaPssRsaeSha384,
    /// rsa_pss_rsae_sha512; verified only.
    RsaPssRsaeSha512,
}

impl SignatureScheme {
    /// The registry's code point.
    pub const fn code(self) -> u16 {
        match self {
            Self::RsaPkcs1Sha256 => 0x0401,
            Self::EcdsaSecp256r1Sha256 => 0x0403,
            Self::RsaPkcs1Sha384 => 0x0501,
            Self::EcdsaSecp384r1Sha384 => 0x0503,
            Self::RsaPkcs1Sha512 => 0x0601,
            Self::RsaPssRsaeSha256 => 0x0804,
            Self::RsaPssRsaeSha384 => 0x0805,
            Self::RsaPssRsaeSha512 => 0x0806,
        }
    }

    /// The scheme with this code point, if known.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0401 => Some(Self::RsaPkcs1Sha256),
            0x0403 => Some(Self::EcdsaSecp256r1Sha256),
            0x0501 => Some(Self::RsaPkcs1Sha384),
            0x0503 => Some(Self::EcdsaSecp384r1Sha384),
            0x0601 => Some(Self::RsaPkcs1Sha512),
            0x0804 => Some(Self::RsaPssRsaeSha256),
            0x0805 => Some(Self::RsaPssRsaeSha384),
            0x0806 => Some(Self::RsaPssRsaeSha512),
            _ => None,
        }
    }
}
