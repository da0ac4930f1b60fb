//! Diffie-Hellman: the NIST curves and X25519.

use crate::provider::is_uncompressed;
use crate::{CryptoError, KeyExchange, NamedGroup, Secret};
use alloc::boxed::Box;
use alloc::vec::Vec;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey};
use x25519_dalek::{PublicKey as XPublic, StaticSecret};

/// ECDH on a NIST curve: points are checked to be on the curve and not at infinity.
pub(super) struct Ecdh<C: CurveArithmetic> {
    group: NamedGroup,
    secret: SecretKey<C>,
    share: Vec<u8>,
}

impl<C> Ecdh<C>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    pub(super) fn new(group: NamedGroup, private: &[u8]) -> Result<Self, CryptoError> {
        let scalar = <&FieldBytes<C>>::try_from(private).map_err(|_| CryptoError::InvalidKey)?;
        let secret = SecretKey::from_bytes(scalar).map_err(|_| CryptoError::InvalidKey)?;
        let share = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Self { group, secret, share })
    }
}

impl<C> KeyExchange for Ecdh<C>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    fn group(&self) -> NamedGroup {
        self.group
    }

    fn public_share(&self) -> &[u8] {
        &self.share
    }

    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError> {
        if !is_uncompressed(peer_share) {
            return Err(CryptoError::InvalidKey);
        }
        let peer = PublicKey::<C>::from_sec1_bytes(peer_share).map_err(|_| CryptoError::InvalidKey)?;
        let shared = self.secret.diffie_hellman(&peer);
        Ok(Secret::from(shared.raw_secret_bytes().as_slice()))
    }
}

/// X25519 (RFC 7748, section 6.1).
pub(super) struct X25519 {
    secret: StaticSecret,
    share: [u8; 32],
}

impl X25519 {
    pub(super) fn new(private: &[u8]) -> Result<Self, CryptoError> {
        let private: [u8; 32] = private.try_into().map_err(|_| CryptoError::InvalidKey)?;
        let secret = StaticSecret::from(private);
        let share = XPublic::from(&secret).to_bytes();
        Ok(Self { secret, share })
    }
}

impl KeyExchange for X25519 {
    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }

    fn public_share(&self) -> &[u8] {
        &self.share
    }

    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError> {
        let peer: [u8; 32] = peer_share.try_into().map_err(|_| CryptoError::InvalidKey)?;
        let shared = self.secret.diffie_hellman(&XPublic::from(peer));
        // Points of small order give all zeros, whatever our secret.
        if shared.was_contributory() {
            Ok(shared.as_bytes().as_slice().into())
        } else {
            Err(CryptoError::InvalidKey)
        }
    }
}
