//! Why a connection is closed, as the other side reads it.

use std::fmt;

/// Longest reason of a close: RFC 6455 §5.5 allows 125 bytes, of which the code takes two.
const REASON_BYTES: usize = 123;

/// Close codes of `docs/protocols/signalling.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCode {
    /// 4400: not understood; the client has a defect.
    NotUnderstood,
    /// 4401: the token is missing, wrong, expired or revoked.
    NotSignedIn,
    /// 4403: the right is missing.
    Forbidden,
    /// 4408: too slow, or nothing heard.
    TooSlow,
    /// 4409: another connection goes on with this run.
    Replaced,
    /// 4503: go to another node; the reason is a JSON list of URLs.
    Elsewhere,
}

impl CloseCode {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::NotUnderstood => 4400,
            Self::NotSignedIn => 4401,
            Self::Forbidden => 4403,
            Self::TooSlow => 4408,
            Self::Replaced => 4409,
            Self::Elsewhere => 4503,
        }
    }
}

/// A close: its code, and a reason of at most 123 bytes for people who look for a defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    code: CloseCode,
    reason: String,
}

impl Close {
    /// A close with a reason, of which as much is kept as fits.
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES));
        Self { code, reason }
    }

    pub(crate) fn not_understood(reason: impl fmt::Display) -> Self {
        Self::new(CloseCode::NotUnderstood, reason.to_string())
    }

    /// Sends the client to `nodes` (URLs, best first); those that do not fit are left out.
    pub fn elsewhere<I: IntoIterator<Item: AsRef<str>>>(nodes: I) -> Self {
        let mut reason = String::from("[");
        for node in nodes {
            let url = serde_json::Value::from(node.as_ref()).to_string();
            let comma = usize::from(reason.len() > 1);
            if reason.len() + comma + url.len() < REASON_BYTES {
                reason.push_str(&","[..comma]);
                reason.push_str(&url);
            }
        }
        reason.push(']');
        Self {
            code: CloseCode::Elsewhere,
            reason,
        }
    }

    /// The code.
    pub fn code(&self) -> CloseCode {
        self.code
    }

    /// The reason; at most 123 bytes.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.number(), self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        let close = Close::new(CloseCode::NotUnderstood, "é".repeat(100));
        assert_eq!(close.reason(), "é".repeat(61));
    }

    #[test]
    fn the_list_of_nodes_stays_json_when_it_does_not_fit() {
        let nodes: Vec<String> = (1..9)
            .map(|n| format!("https://node-{n}.paris.example.com"))
            .collect();
        let close = Close::elsewhere(&nodes);
        let read: Vec<String> = serde_json::from_str(close.reason()).unwrap();
        assert_eq!(read, nodes[..3]);
        assert!(close.reason().len() <= REASON_BYTES);
        assert_eq!(Close::elsewhere([""; 0]).reason(), "[]");
    }

    #[test]
    fn a_list_may_fill_the_reason_to_the_last_byte() {
        let fits = "x".repeat(REASON_BYTES - 4);
        assert_eq!(Close::elsewhere([&fits]).reason().len(), REASON_BYTES);
        assert_eq!(Close::elsewhere([fits + "x"]).reason(), "[]");
    }
}
