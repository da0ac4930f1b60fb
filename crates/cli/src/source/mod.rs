//! Synthetic media for a peer without camera and microphone: a moving mosaic and a tone.

mod bool_encoder;
mod mosaic;
mod tone;
mod vp8;
mod vp8_tables;

pub(crate) use mosaic::Mosaic;
pub(crate) use tone::{OPUS_SILENCE, Tone};
