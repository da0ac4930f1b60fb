//! Borrowed scanning: lines, and the tokens inside them.

use crate::{ErrorKind, MAX_BYTES, MAX_LINES, ParseError};
use core::fmt;

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
    /// There is a NUL, or a carriage return that ends no line, somewhere.
    suspicious: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > MAX_BYTES {
            return Err(ParseError { line: 1, kind: ErrorKind::TooLong });
        }
        Ok(Self { rest: text, number: 0, suspicious: has_stray_controls(text.as_bytes()) })
    }

    /// The next line that is not empty.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'a>>, ParseError> {
        while !self.rest.is_empty() {
            let end = find_byte(self.rest.as_bytes(), b'\n').unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
            self.rest = rest.get(1..).unwrap_or_default();
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
        if self.suspicious && line.bytes().any(|byte| byte == 0 || byte == b'\r') {
            return Err(ErrorKind::ControlCharacter);
        }
        let [kind @ b'a'..=b'z', b'=', ..] = line.as_bytes() else { return Err(ErrorKind::Syntax) };
        let value = line.get(2..).ok_or(ErrorKind::Syntax)?;
        Ok(Line { number: self.number, kind: *kind, value })
    }
}

/// Whether there is anything that must not be inside a line. One pass without branches, which the compiler
/// vectorises; only a description that fails is looked at line by line.
fn has_stray_controls(text: &[u8]) -> bool {
    let behind = text.get(1..).unwrap_or_default();
    let pairs = text.iter().zip(behind);
    let stray = pairs.fold(0, |stray, (byte, next)| {
        stray | u8::from(*byte == 0) | (u8::from(*byte == b'\r') & u8::from(*next != b'\n'))
    });
    stray != 0 || matches!(text.last(), Some(0 | b'\r'))
}

/// The position of the first `byte`: whole blocks are compared at once.
fn find_byte(text: &[u8], byte: u8) -> Option<usize> {
    const BLOCK: usize = 16;
    let has_it = |block: &[u8; BLOCK]| block.iter().fold(false, |hit, own| hit | (*own == byte));
    let skipped = text.as_chunks::<BLOCK>().0.iter().take_while(|block| !has_it(block)).count() * BLOCK;
    text.get(skipped..)?.iter().position(|own| *own == byte).map(|position| skipped + position)
}

/// Splits at the first `byte`, which is ASCII; for short texts, where a plain loop is fastest.
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let position = text.bytes().position(|own| own == byte)?;
    let (before, rest) = text.split_at_checked(position)?;
    Some((before, rest.get(1..)?))
}

/// Writes a number in decimal, faster than the formatting machinery does.
pub(crate) fn decimal(f: &mut fmt::Formatter<'_>, number: impl Into<u64>) -> fmt::Result {
    let mut rest = number.into();
    let mut digits = [b'0'; 20];
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    let written = digits.get(digits.len() - length..).unwrap_or_default();
    f.write_str(core::str::from_utf8(written).unwrap_or_default())
}

/// Splits off the first word; the rest starts behind the spaces that follow it.
pub(crate) fn word(text: &str) -> (&str, &str) {
    let text = skip_spaces(text);
    let (word, rest) = split_at_byte(text, b' ').unwrap_or((text, ""));
    (word, skip_spaces(rest))
}

fn skip_spaces(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix(' ') {
        text = rest;
    }
    text
}

/// `text` without surrounding blanks, if it is exactly one non-empty word.
pub(crate) fn single(text: &str) -> Option<&str> {
    let text = text.trim_ascii();
    (!text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_whitespace())).then_some(text)
}

/// A decimal number and nothing else: no sign, no blanks.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let digit = |number: u64, byte: u8| {
        let value = byte.checked_sub(b'0').filter(|value| *value <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(value))
    };
    text.bytes().try_fold(0, digit).and_then(|number| T::try_from(number).ok())
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
