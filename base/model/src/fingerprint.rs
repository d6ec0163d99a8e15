use crate::{ParseError, name::text_newtype};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// SHA-256 of a certificate (RFC 6234), by which people compare it.
///
/// Read as other programs write it: 64 hexadecimal digits, with or without a colon or a space after each two.
///
/// Invariant: 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);
text_newtype!(Fingerprint);

impl Fingerprint {
    /// Of the hash itself.
    pub fn of(hash: [u8; 32]) -> Self {
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || {
            ParseError::new(
                "fingerprint",
                "must be SHA-256: 64 hexadecimal digits, with or without colons between each two",
            )
        };
        // Longer ones are none, and need not be copied.
        if text.len() > 128 {
            return Err(bad());
        }
        let digits: String = text
            .trim()
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(digits));
        }
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_other_programs_write_them() {
        let plain = "ab".repeat(32);
        let read = |text: &str| text.parse::<Fingerprint>().map(String::from).ok();
        assert_eq!(read(&plain), Some(plain.clone()));
        assert_eq!(read(&["AB"; 32].join(":")), Some(plain.clone()));
        assert_eq!(read(&format!(" {} ", ["Ab"; 32].join(" "))), Some(plain.clone()));
        assert_eq!(Fingerprint::of([0xab; 32]).as_str(), plain);
        for bad in ["", "ab", &"ab".repeat(33), &"zz".repeat(32), &"é".repeat(32)] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
