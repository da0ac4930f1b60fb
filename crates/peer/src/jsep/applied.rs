//! Descriptions that were set, as they are kept.

use super::{SdpType, SessionDescription};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use once_cell::race::OnceBox;
use sendrecv_sdp as sdp;

/// A description that was set: what it says, and its text.
///
/// What it says takes several times the memory of the text, and is seldom asked for between negotiations. So an
/// established connection puts it to [`rest`](Self::rest), and whoever asks has it read again.
#[derive(Clone)]
pub(crate) struct Applied {
    pub(crate) kind: SdpType,
    parsed: OnceBox<Arc<sdp::SessionDescription>>,
    /// `None` once candidates were added to what was parsed; never without that.
    text: Option<String>,
}

impl Applied {
    /// `text` is that of `parsed`.
    pub(crate) fn new(kind: SdpType, parsed: Arc<sdp::SessionDescription>, text: String) -> Self {
        debug_assert_eq!(sdp::SessionDescription::parse(&text).as_ref(), Ok(&*parsed));
        Self { kind, parsed: OnceBox::with_value(Box::new(parsed)), text: Some(text) }
    }

    /// What it says.
    pub(crate) fn parsed(&self) -> &sdp::SessionDescription {
        self.parsed.get_or_init(|| {
            let text = self.text.as_deref().unwrap_or_default();
            // It was read before, or written by us.
            Box::new(Arc::new(sdp::SessionDescription::parse(text).unwrap_or_default()))
        })
    }

    /// Lets it say something else.
    pub(crate) fn replace(&mut self, parsed: sdp::SessionDescription) {
        self.parsed = OnceBox::with_value(Box::new(Arc::new(parsed)));
        self.text = None;
    }

    /// Keeps the text alone.
    pub(crate) fn rest(&mut self) {
        if let Some(parsed) = self.parsed.get() {
            let mut text = self.text.take().unwrap_or_else(|| parsed.to_string());
            text.shrink_to_fit();
            self.text = Some(text);
            self.parsed = OnceBox::new();
        }
    }

    pub(crate) fn to_description(&self) -> SessionDescription {
        SessionDescription {
            kind: self.kind,
            sdp: self.text.clone().unwrap_or_else(|| self.parsed().to_string()),
        }
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied").field("kind", &self.kind).field("text", &self.text).finish_non_exhaustive()
    }
}
