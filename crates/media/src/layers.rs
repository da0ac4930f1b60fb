//! Which of several simulcast streams is forwarded to one receiver.

use alloc::sync::Arc;

/// Chooses one of several simulcast streams for one receiver, and changes at keyframes only, as a decoder has to.
///
/// Ask [`takes`](Self::takes) of every packet of the section that is received, and [forward](crate::MediaEngine::forward)
/// those it takes: the receiver sees one stream, whose numbers and timestamps go on. A stream that is wanted and not
/// forwarded yet needs a keyframe; ask for it, and again for as long as [`waits_for`](Self::waits_for) names it.
///
/// ```
/// use sendrecv_media::LayerSelector;
///
/// let mut layers = LayerSelector::new("q");
/// assert!(!layers.takes(Some("q"), false), "there is nothing to decode it from");
/// assert!(layers.takes(Some("q"), true) && !layers.takes(Some("f"), true));
/// layers.select("f");
/// assert_eq!(layers.waits_for(), Some("f"));
/// assert!(layers.takes(Some("q"), false), "until there is a keyframe of the other");
/// assert!(layers.takes(Some("f"), true) && !layers.takes(Some("q"), true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSelector {
    wanted: Arc<str>,
    forwarded: Option<Arc<str>>,
}

impl LayerSelector {
    /// Begins with the stream that has this RtpStreamId, from its next keyframe on.
    pub fn new(rid: &str) -> Self {
        Self { wanted: rid.into(), forwarded: None }
    }

    /// Changes to another stream, at its next keyframe.
    pub fn select(&mut self, rid: &str) {
        if *self.wanted != *rid {
            self.wanted = match self.forwarded.as_ref().filter(|forwarded| ***forwarded == *rid) {
                Some(forwarded) => Arc::clone(forwarded),
                None => rid.into(),
            };
        }
    }

    /// Whether a packet is to be forwarded: `rid` is its stream, `keyframe` says that it begins a keyframe.
    pub fn takes(&mut self, rid: Option<&str>, keyframe: bool) -> bool {
        if keyframe && rid == Some(&self.wanted) && self.waits_for().is_some() {
            self.forwarded = Some(Arc::clone(&self.wanted));
        }
        rid.is_some() && rid == self.forwarded()
    }

    /// The stream that is forwarded; `None` before its first keyframe.
    pub fn forwarded(&self) -> Option<&str> {
        self.forwarded.as_deref()
    }

    /// The stream that is wanted, while a keyframe of it is waited for.
    pub fn waits_for(&self) -> Option<&str> {
        Some(&*self.wanted).filter(|wanted| self.forwarded() != Some(wanted))
    }
}
