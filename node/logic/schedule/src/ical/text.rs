//! Lines and the texts in them.

use std::fmt::Write as _;

/// Most octets of a line without its end (RFC 5545 §3.1).
const OCTETS: usize = 75;

/// Content lines, folded as they are added.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds one line. Whatever is in it that could end it is left out: the last guard of many.
    pub(super) fn push(&mut self, line: &str) {
        let mut octets = 0;
        for char in line.chars().filter(|char| *char == '\t' || !char.is_control()) {
            if octets + char.len_utf8() > OCTETS {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(char);
            octets += char.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text of any lines (RFC 5545 §3.3.11).
pub(super) fn multi_line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in unix(text).chars() {
        match char {
            '\\' | ';' | ',' => escaped.extend(['\\', char]),
            '\n' => escaped.push_str("\\n"),
            char => escaped.push(char),
        }
    }
    escaped
}

/// A text of one line: the ends of others become blanks.
pub(super) fn one_line(text: &str) -> String {
    multi_line(&unix(text).replace('\n', " "))
}

/// What stands between the quotes of a parameter (RFC 5545 §3.2): no quotes, and `^` as RFC 6868 escapes it.
///
/// Quotes become apostrophes: not all calendars read RFC 6868.
pub(super) fn parameter(text: &str) -> String {
    unix(text).replace('\n', " ").replace('"', "'").replace('^', "^^")
}

/// An address, with everything percent-encoded that may not stand in one (RFC 3986 §2).
pub(super) fn address(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.trim().bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
        if plain {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

/// Line ends of all kinds as `\n`; no other control characters but tabs.
fn unix(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let chars = text.chars().map(|char| match char {
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        char => char,
    });
    chars
        .filter(|char| matches!(char, '\n' | '\t') || !char.is_control())
        .collect()
}
