//! `a=group` (RFC 5888, section 5; BUNDLE: RFC 9143, section 7).

use crate::scan::word;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Media sections that belong together, named by their MIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In which sense they belong together: `BUNDLE`, `LS`, `FID`, …
    pub semantics: String,
    /// The MIDs in the order written; the first of a BUNDLE group is its tag.
    pub mids: Vec<String>,
}

impl Group {
    /// Groups the sections that share one transport.
    pub fn bundle(mids: Vec<String>) -> Self {
        Self { semantics: "BUNDLE".to_owned(), mids }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (semantics, mids) = word(value);
        if semantics.is_empty() {
            return None;
        }
        Some(Self {
            semantics: semantics.to_owned(),
            mids: mids.split_ascii_whitespace().map(ToOwned::to_owned).collect(),
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics)?;
        self.mids.iter().try_for_each(|mid| write!(f, " {mid}"))
    }
}
