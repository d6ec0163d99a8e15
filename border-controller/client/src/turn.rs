//! TURN over TLS at a controller: where it is, and the credentials with which clients may use it.
//!
//! Credentials are made by nodes and checked by the controller, of a secret that it makes at its start and tells to nodes alone. They are
//! those of the TURN REST API (draft-uberti-behave-turn-rest-00): the name of the user says until when they hold. It says nothing else,
//! and all who ask in the same six hours have the same: nobody is known by it.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use plenary_border::HostName;
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long credentials hold at least; an allocation is refreshed with those that it began with.
const HOLD: Duration = Duration::from_secs(24 * 3_600);
/// They end at multiples of this.
const PERIOD_S: u64 = 6 * 3_600;

/// The password of a user.
pub fn password(secret: &[u8], user: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    BASE64_STANDARD.encode(hmac::sign(&key, user.as_bytes()))
}

/// Where a controller offers TURN.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// By which clients ask for it.
    pub name: HostName,
    pub port: u16,
    secret: [u8; 32],
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

impl Turn {
    pub fn new(name: HostName, port: u16, secret: [u8; 32]) -> Self {
        Self { name, port, secret }
    }

    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// As clients are told it (RFC 7065).
    pub fn url(&self) -> String {
        format!("turns:{}:{}?transport=tcp", self.name, self.port)
    }

    /// A user and the password, which hold for a day or a little longer.
    pub fn credentials(&self, now: SystemTime) -> (String, String) {
        self.user(seconds(now + HOLD).div_ceil(PERIOD_S))
    }

    /// All users whose time is not over, with their passwords. The clocks of nodes may be ahead.
    pub fn users(&self, now: SystemTime) -> impl Iterator<Item = (String, String)> {
        let first = seconds(now) / PERIOD_S + 1;
        let last = seconds(now + HOLD).div_ceil(PERIOD_S) + 1;
        (first..=last).map(|period| self.user(period))
    }

    fn user(&self, period: u64) -> (String, String) {
        let user = (period * PERIOD_S).to_string();
        let password = password(&self.secret, &user);
        (user, password)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_hold_for_a_day_and_not_for_ever() {
        let turn = Turn::new("turn.example.com".parse().expect("good"), 443, [7; 32]);
        let other = Turn::new(turn.name.clone(), 443, [8; 32]);
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let given = turn.credentials(now);
        let known = |turn: &Turn, hours: u64| {
            turn.users(now + Duration::from_secs(hours * 3_600))
                .any(|user| user == given)
        };
        assert!(known(&turn, 0) && known(&turn, 24));
        assert!(!known(&turn, 31), "it is over");
        assert!(!known(&other, 0), "of another controller");
        assert_eq!(turn.users(now).count(), 6);
        assert_eq!(turn.url(), "turns:turn.example.com:443?transport=tcp");
        assert!(!format!("{turn:?}").contains('7'), "{turn:?}");
    }
}
