use crate::{ParseError, ServerName, name::text_newtype};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Names of servers: one, or all that look alike, as `*.example.com`, `v*.example.com`, `example.*` (FED-01).
///
/// A star stands for one or more characters of one part of a name, and as the whole first part for one or more parts:
/// `*.example.com` is also `a.b.example.com`, but `example.*` is not `example.co.uk`, and nothing but `example.com` itself
/// is `example.com`.
///
/// Invariant: as a [`ServerName`] where each star is a letter; some part has no star; it is no address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerMask(String);
text_newtype!(ServerMask);

impl ServerMask {
    /// Costs O(length of the mask × length of the name).
    pub fn matches(&self, name: &ServerName) -> bool {
        let mut parts = self.0.split('.').peekable();
        let mut name = name.as_str();
        if parts.next_if_eq(&"*").is_some() {
            // All but as many parts as the mask has besides.
            let rest = parts.clone().count();
            let Some((at, _)) = name.rmatch_indices('.').nth(rest.saturating_sub(1)) else {
                return false;
            };
            name = name.get(at + 1..).unwrap_or_default();
        }
        let mut labels = name.split('.');
        parts.all(|part| {
            labels
                .next()
                .is_some_and(|label| is_like(part.as_bytes(), label.as_bytes()))
        }) && labels.next().is_none()
    }
}

/// Whether a label is what a part with stars stands for. The last star that was met is tried anew with one character more.
fn is_like(part: &[u8], label: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < label.len() {
        if part.get(at) == Some(&b'*') {
            // It stands for one character at least.
            star = Some((at, seen + 1));
            at += 1;
            seen += 1;
        } else if part.get(at) == label.get(seen) {
            at += 1;
            seen += 1;
        } else if let Some((before, next)) = star {
            star = Some((before, next + 1));
            at = before + 1;
            seen = next + 1;
        } else {
            return false;
        }
    }
    at == part.len()
}

impl FromStr for ServerMask {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "server mask";
        let bad = |reason: &str| Err(ParseError::new(WHAT, reason));
        let text = text.trim();
        if text.replace('*', "x").parse::<ServerName>().is_err() {
            return bad("must be a DNS name like paris.example.com, or one with stars like *.example.com");
        }
        if text.contains("**") {
            return bad("has two stars in a row; one stands for any number of characters");
        }
        let mask = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if !mask.split('.').any(|part| !part.contains('*')) {
            return bad("would be every server; choose the mode instead, and name at least one part in full");
        }
        if is_address(&mask) {
            return bad(
                "is an address; partners are known by the DNS name that stands in their certificates",
            );
        }
        Ok(Self(mask))
    }
}

/// No top-level domain is a number (RFC 3696 §2).
fn is_address(mask: &str) -> bool {
    mask.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'*' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(mask: &str, name: &str) -> bool {
        let mask: ServerMask = mask.parse().expect("a mask");
        mask.matches(&name.parse().expect("a name"))
    }

    #[test]
    fn masks_stand_for_what_administrators_expect() {
        for (mask, yes, no) in [
            (
                "example.com",
                &["example.com", "EXAMPLE.com."][..],
                &["a.example.com", "example.org"][..],
            ),
            (
                "*.example.com",
                &["a.example.com", "a.b.example.com"],
                &["example.com", "a.example.org", "badexample.com"],
            ),
            (
                "v*.example.com",
                &["v1.example.com", "video.example.com"],
                &[
                    "v.example.com",
                    "a.example.com",
                    "v.evil.example.com",
                    "v1.a.example.com",
                ],
            ),
            (
                "example.*",
                &["example.com", "example.org"],
                &["example", "example.co.uk", "a.example.com"],
            ),
            (
                "*.example.*",
                &["a.example.com", "a.b.example.org"],
                &["example.com", "a.example.co.uk"],
            ),
            (
                "a*b*c.example.com",
                &["axbxc.example.com", "axbbbxcc.example.com"],
                &["abc.example.com", "axbx.example.com"],
            ),
        ] {
            for name in yes {
                assert!(is(mask, name), "{mask} is {name}");
            }
            for name in no {
                assert!(!is(mask, name), "{mask} is not {name}");
            }
        }
    }

    #[test]
    fn what_is_no_mask_is_refused_with_a_reason() {
        for text in [
            "",
            "*",
            "*.*",
            "v*.*",
            "**.example.com",
            "10.0.0.1",
            "10.0.0.*",
            "::1",
            "a b.example.com",
            "-*.example.com",
            "*..com",
        ] {
            assert!(text.parse::<ServerMask>().is_err(), "{text:?}");
        }
        let long = format!("{}.example.com", "a".repeat(64));
        assert!(long.parse::<ServerMask>().is_err());
        let kept: ServerMask = " *.Example.COM. ".parse().expect("a mask");
        assert_eq!(kept.as_str(), "*.example.com");
    }

    /// All texts of these characters up to this length.
    fn texts(of: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        for begun in 0.. {
            let Some(text) = all.get(begun).cloned() else {
                break;
            };
            if text.len() < most {
                all.extend(of.iter().map(|byte| [text.as_slice(), &[*byte]].concat()));
            }
        }
        all
    }

    /// Against the simplest way to say it: try every length of every star.
    #[test]
    fn stars_stand_for_one_or_more_characters() {
        fn simple(part: &[u8], label: &[u8]) -> bool {
            match part.split_first() {
                None => label.is_empty(),
                Some((b'*', rest)) => (1..=label.len()).any(|n| simple(rest, &label[n..])),
                Some((c, rest)) => label
                    .split_first()
                    .is_some_and(|(l, label)| l == c && simple(rest, label)),
            }
        }
        let labels = texts(b"ab", 6);
        for part in texts(b"ab*", 5) {
            if part.windows(2).any(|two| two == b"**") {
                continue;
            }
            for label in &labels {
                assert_eq!(is_like(&part, label), simple(&part, label), "{part:?} {label:?}");
            }
        }
    }
}
