//! Names of hosts, as clients ask for them and nodes offer them.

use std::{fmt, str::FromStr};

/// A host name as TLS sends it (RFC 6066 §3): ASCII, in lower case, without a dot at its end; never an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// What is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no host name")]
pub struct NoHostName;

impl HostName {
    /// Longest name (RFC 1035 §2.3.4, without the dot at its end).
    pub const LONGEST: usize = 253;
    const LONGEST_LABEL: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// [`NoHostName`] for whatever a certificate cannot name either.
    pub fn read(bytes: &[u8]) -> Result<Self, NoHostName> {
        if bytes.is_empty() || bytes.len() > Self::LONGEST {
            return Err(NoHostName);
        }
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let mut labels = bytes.split(|byte| *byte == b'.');
        let good = labels.all(|label| {
            !label.is_empty()
                && label.len() <= Self::LONGEST_LABEL
                && label.iter().all(is_letter)
                && label.first() != Some(&b'-')
                && label.last() != Some(&b'-')
        });
        // The last label of a name is never a number (RFC 3696 §2): such a one is an address.
        let last = bytes.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        if !good || last.iter().all(u8::is_ascii_digit) {
            return Err(NoHostName);
        }
        let text = bytes.iter().map(|byte| char::from(byte.to_ascii_lowercase()));
        Ok(Self(text.collect()))
    }
}

impl FromStr for HostName {
    type Err = NoHostName;

    fn from_str(text: &str) -> Result<Self, NoHostName> {
        Self::read(text.as_bytes())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_addresses_are_none() {
        assert_eq!(HostName::read(b"Meet.Example.COM"), "meet.example.com".parse());
        assert!("localhost".parse::<HostName>().is_ok());
        for bad in [
            "",
            ".",
            "a..b",
            "a.",
            "-a.example",
            "a-.example",
            "192.0.2.1",
            "::1",
            "a b",
            "a/b",
            "caf\u{e9}.example",
            "a\0b.example",
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
        let label = "a".repeat(64);
        assert!(label.parse::<HostName>().is_err());
        let long = ["a".repeat(63).as_str(); 4].join(".");
        assert!(long.parse::<HostName>().is_err(), "{} letters", long.len());
    }
}
