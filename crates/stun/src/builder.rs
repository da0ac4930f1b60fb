//! Writing messages.

use crate::attribute::{Attribute, AttributeType};
use crate::header::{COOKIE_BYTES, HEADER_LEN, message_type};
use crate::integrity::{Integrity, IntegrityKey, fingerprint};
use crate::{Class, Message, Method, TransactionId};
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, PacketBuf, Writer};

/// A [`Writer`] whose bytes can still be patched: where messages are built.
pub trait MessageBuffer: Writer {
    /// Everything written so far.
    fn written(&self) -> &[u8];

    /// Everything written so far, to be patched.
    fn written_mut(&mut self) -> &mut [u8];

    /// Shortens what was written to `len` bytes.
    fn shorten(&mut self, len: usize);
}

impl MessageBuffer for PacketBuf<'_> {
    #[inline]
    fn written(&self) -> &[u8] {
        self.bytes()
    }

    #[inline]
    fn written_mut(&mut self) -> &mut [u8] {
        self.bytes_mut()
    }

    #[inline]
    fn shorten(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl MessageBuffer for Vec<u8> {
    #[inline]
    fn written(&self) -> &[u8] {
        self
    }

    #[inline]
    fn written_mut(&mut self) -> &mut [u8] {
        self
    }

    #[inline]
    fn shorten(&mut self, len: usize) {
        self.truncate(len);
    }
}

/// Writes one message to the end of a buffer.
///
/// After every call the buffer holds a well-formed message, lengths included, so there is nothing to finish. A call
/// that runs out of space leaves the message as it was. Order: attributes, then [`integrity`](Self::integrity), then
/// [`fingerprint`](Self::fingerprint).
#[derive(Debug)]
pub struct MessageBuilder<'b, B: MessageBuffer> {
    buffer: &'b mut B,
    start: usize,
    id: TransactionId,
}

impl<'b, B: MessageBuffer> MessageBuilder<'b, B> {
    /// Writes the header of a message without attributes.
    pub fn new(buffer: &'b mut B, class: Class, method: Method, id: TransactionId) -> Result<Self, NoSpace> {
        let start = buffer.written().len();
        let [type_high, type_low] = message_type(class, method).to_be_bytes();
        let [c0, c1, c2, c3] = COOKIE_BYTES;
        let [i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11] = id.0;
        buffer.put(&[
            type_high, type_low, 0, 0, c0, c1, c2, c3, i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11,
        ])?;
        Ok(Self { buffer, start, id })
    }

    /// The start of a success response to `request`.
    pub fn success(buffer: &'b mut B, request: &Message<'_>) -> Result<Self, NoSpace> {
        Self::new(buffer, Class::Success, request.method(), request.transaction_id())
    }

    /// The start of an error response to `request`, with its ERROR-CODE.
    pub fn error(buffer: &'b mut B, request: &Message<'_>, code: u16, reason: &str) -> Result<Self, NoSpace> {
        let mut builder = Self::new(buffer, Class::Error, request.method(), request.transaction_id())?;
        builder.attribute(&crate::attribute::ErrorCode { code, reason })?;
        Ok(builder)
    }

    /// Appends an attribute.
    pub fn attribute<'a, T: Attribute<'a>>(&mut self, attribute: &T) -> Result<&mut Self, NoSpace> {
        let id = self.id;
        self.append(T::TYPE, |buffer| attribute.encode(id, buffer))
    }

    /// Appends an attribute by number and value, for what this crate has no type for. `value` has at most 65,535
    /// bytes less what is there already; longer is `NoSpace`.
    pub fn raw(&mut self, kind: AttributeType, value: &[u8]) -> Result<&mut Self, NoSpace> {
        self.append(kind, |buffer| buffer.put(value))
    }

    /// Appends MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, as `key` demands, over everything so far.
    pub fn integrity(&mut self, key: &IntegrityKey) -> Result<&mut Self, NoSpace> {
        match key.integrity() {
            Integrity::Sha1 => self.check(AttributeType::MESSAGE_INTEGRITY, 20, key),
            Integrity::Sha256 => self.check(AttributeType::MESSAGE_INTEGRITY_SHA256, 32, key),
        }
    }

    /// Appends FINGERPRINT over everything so far; it must be the last attribute.
    pub fn fingerprint(&mut self) -> Result<&mut Self, NoSpace> {
        let at = self.message().len();
        self.append(AttributeType::FINGERPRINT, |buffer| buffer.put_u32(0))?;
        let value = fingerprint(self.message().get(..at).unwrap_or_default());
        patch(self.message_mut(), at + 4, value.to_be_bytes())?;
        Ok(self)
    }

    /// The message so far.
    pub fn message(&self) -> &[u8] {
        self.buffer.written().get(self.start..).unwrap_or_default()
    }

    fn check(&mut self, kind: AttributeType, len: usize, key: &IntegrityKey) -> Result<&mut Self, NoSpace> {
        let at = self.message().len();
        self.append(kind, |buffer| buffer.put([0; 32].get(..len).unwrap_or_default()))?;
        let covered = self.message().get(..at).unwrap_or_default();
        let mac = key.mac(covered);
        let value = self.message_mut().get_mut(at + 4..).unwrap_or_default();
        value.copy_from_slice(mac.as_bytes().get(..value.len()).ok_or(NoSpace)?);
        Ok(self)
    }

    fn append(
        &mut self,
        kind: AttributeType,
        write: impl FnOnce(&mut B) -> Result<(), NoSpace>,
    ) -> Result<&mut Self, NoSpace> {
        let at = self.buffer.written().len();
        let result = self.write_attribute(at, kind, write);
        if result.is_err() {
            self.buffer.shorten(at);
        }
        result.map(|()| self)
    }

    fn write_attribute(
        &mut self,
        at: usize,
        kind: AttributeType,
        write: impl FnOnce(&mut B) -> Result<(), NoSpace>,
    ) -> Result<(), NoSpace> {
        let [high, low] = kind.0.to_be_bytes();
        self.buffer.put(&[high, low, 0, 0])?;
        write(self.buffer)?;
        let value_len = self.buffer.written().len().saturating_sub(at + 4);
        match value_len % 4 {
            1 => self.buffer.put(&[0; 3])?,
            2 => self.buffer.put(&[0; 2])?,
            3 => self.buffer.put(&[0])?,
            _ => {}
        }
        let (start, message) = (self.start, self.message_mut());
        let body_len = u16::try_from(message.len().saturating_sub(HEADER_LEN)).map_err(|_| NoSpace)?;
        let value_len = u16::try_from(value_len).map_err(|_| NoSpace)?;
        patch(message, at + 2 - start, value_len.to_be_bytes())?;
        patch(message, 2, body_len.to_be_bytes())
    }

    fn message_mut(&mut self) -> &mut [u8] {
        self.buffer.written_mut().get_mut(self.start..).unwrap_or_default()
    }
}

fn patch<const N: usize>(message: &mut [u8], at: usize, bytes: [u8; N]) -> Result<(), NoSpace> {
    *message.get_mut(at..).and_then(<[u8]>::first_chunk_mut).ok_or(NoSpace)? = bytes;
    Ok(())
}
