//! The shapes that many attributes share.

/// An attribute that is one big-endian number and nothing else.
macro_rules! number_attribute {
    ($(#[$doc:meta])* $name:ident($number:ty) = $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $number);

        impl<'a> crate::attribute::Attribute<'a> for $name {
            const TYPE: crate::attribute::AttributeType = crate::attribute::AttributeType::$code;

            fn decode(value: &'a [u8], _: crate::TransactionId) -> Option<Self> {
                value.try_into().ok().map(|bytes| Self(<$number>::from_be_bytes(bytes)))
            }

            fn encode<W: sendrecv_core::Writer>(
                &self,
                _: crate::TransactionId,
                out: &mut W,
            ) -> Result<(), sendrecv_core::NoSpace> {
                out.put(&self.0.to_be_bytes())
            }
        }
    };
}

/// An attribute whose value is bytes that only its user understands.
macro_rules! bytes_attribute {
    ($(#[$doc:meta])* $name:ident = $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub &'a [u8]);

        impl<'a> crate::attribute::Attribute<'a> for $name<'a> {
            const TYPE: crate::attribute::AttributeType = crate::attribute::AttributeType::$code;

            fn decode(value: &'a [u8], _: crate::TransactionId) -> Option<Self> {
                Some(Self(value))
            }

            fn encode<W: sendrecv_core::Writer>(
                &self,
                _: crate::TransactionId,
                out: &mut W,
            ) -> Result<(), sendrecv_core::NoSpace> {
                out.put(self.0)
            }
        }
    };
}

/// An attribute without a value: its presence says it all.
macro_rules! flag_attribute {
    ($(#[$doc:meta])* $name:ident = $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl<'a> crate::attribute::Attribute<'a> for $name {
            const TYPE: crate::attribute::AttributeType = crate::attribute::AttributeType::$code;

            fn decode(value: &'a [u8], _: crate::TransactionId) -> Option<Self> {
                value.is_empty().then_some(Self)
            }

            fn encode<W: sendrecv_core::Writer>(
                &self,
                _: crate::TransactionId,
                _: &mut W,
            ) -> Result<(), sendrecv_core::NoSpace> {
                Ok(())
            }
        }
    };
}

pub(super) use {bytes_attribute, flag_attribute, number_attribute};
