//! Borrowed scanning: lines, and the tokens inside them.

use crate::{ErrorKind, MAX_BYTES, MAX_LINES, ParseError};

/// One line of a session description, `<kind>=<value>`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) kind: u8,
    pub(crate) value: &'a str,
}

/// The lines of `text`, ended by CRLF or LF; empty lines are skipped.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > MAX_BYTES {
            return Err(ParseError { line: 1, kind: ErrorKind::TooLong });
        }
        Ok(Self { rest: text, number: 0 })
    }

    /// The next line that is not empty.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'a>>, ParseError> {
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.number += 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if !line.is_empty() {
                return self.split(line).map(Some).map_err(|kind| self.error(kind));
            }
        }
        Ok(None)
    }

    fn error(&self, kind: ErrorKind) -> ParseError {
        ParseError { line: self.number, kind }
    }

    fn split(&self, line: &'a str) -> Result<Line<'a>, ErrorKind> {
        if self.number > MAX_LINES {
            return Err(ErrorKind::TooManyLines);
        }
        if line.bytes().any(|byte| byte == 0 || byte == b'\r') {
            return Err(ErrorKind::ControlCharacter);
        }
        let [kind @ b'a'..=b'z', b'=', ..] = line.as_bytes() else { return Err(ErrorKind::Syntax) };
        let value = line.get(2..).ok_or(ErrorKind::Syntax)?;
        Ok(Line { number: self.number, kind: *kind, value })
    }
}

/// Splits off the first word; the rest starts behind the spaces that follow it.
pub(crate) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(' ');
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

/// `text` without surrounding blanks, if it is exactly one non-empty word.
pub(crate) fn single(text: &str) -> Option<&str> {
    let text = text.trim_ascii();
    (!text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_whitespace())).then_some(text)
}

/// A decimal number and nothing else: no sign, no blanks.
pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Fills an attribute that may appear once: the same value again is harmless, another one is a conflict.
pub(crate) fn once<T: PartialEq>(
    slot: &mut Option<T>,
    value: T,
    what: &'static str,
) -> Result<(), ErrorKind> {
    match slot {
        Some(first) if *first != value => Err(ErrorKind::Conflict(what)),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}
