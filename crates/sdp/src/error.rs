//! What can be wrong with a session description.

use core::fmt;

/// Why a session description was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is longer than [`MAX_BYTES`](crate::MAX_BYTES).
    TooLong,
    /// The text has more lines than [`MAX_LINES`](crate::MAX_LINES).
    TooManyLines,
    /// There are more m-lines than [`MAX_MEDIA_SECTIONS`](crate::MAX_MEDIA_SECTIONS).
    TooManyMediaSections,
    /// The text does not begin with `v=0`.
    Version,
    /// The line is not a letter followed by `=` and a value.
    Syntax,
    /// The line holds a NUL or a carriage return that does not end it.
    ControlCharacter,
    /// A line type that is not defined, or not at this place.
    UnexpectedType(char),
    /// The named field or attribute does not follow its grammar.
    Malformed(&'static str),
    /// The named field or attribute appears a second time at the same level and contradicts the first.
    Conflict(&'static str),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the description is too long"),
            Self::TooManyLines => f.write_str("too many lines"),
            Self::TooManyMediaSections => f.write_str("too many media sections"),
            Self::Version => f.write_str("expected v=0"),
            Self::Syntax => f.write_str("expected <letter>=<value>"),
            Self::ControlCharacter => f.write_str("control character inside the line"),
            Self::UnexpectedType(letter) => write!(f, "unexpected line type {letter:?}"),
            Self::Malformed(what) => write!(f, "malformed {what}"),
            Self::Conflict(what) => write!(f, "contradicting second {what}"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl core::error::Error for ParseError {}
