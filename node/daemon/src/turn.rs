//! The STUN and TURN servers that clients are told of, for networks where they cannot reach this node themselves.
//!
//! Credentials are made for each client and hold for a day: those that `coturn` checks by itself with
//! `use-auth-secret`, known as the TURN REST API (draft-uberti-behave-turn-rest-00).

use crate::config;
use anyhow::{Context as _, bail};
use plenary_border_client::turn::{Turn as AtController, password};
use plenary_signalling::meeting::IceServer;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long credentials hold; an allocation is refreshed with those that it began with.
const HOLD: Duration = Duration::from_secs(24 * 3_600);
/// What the secret must have at least, so that it is not guessed from credentials that anybody can get.
const SECRET_BYTES: usize = 16;

/// What is told to clients.
pub(crate) struct Turn {
    /// Needs no credentials.
    stun: Vec<String>,
    turn: Vec<String>,
    secret: Option<String>,
    /// At Border Controllers, for who is outside.
    doors: RwLock<(u64, BTreeMap<u64, AtController>)>,
}

/// TURN at a Border Controller, which clients are told of until this is dropped.
pub(crate) struct TurnDoor {
    turn: Arc<Turn>,
    number: u64,
}

impl Drop for TurnDoor {
    fn drop(&mut self) {
        let mut doors = self.turn.doors.write().unwrap_or_else(PoisonError::into_inner);
        doors.1.remove(&self.number);
    }
}

impl Turn {
    /// Reads the secret.
    pub(crate) fn load(config: &config::Turn) -> anyhow::Result<Self> {
        let is_turn = |url: &&String| url.starts_with("turn:") || url.starts_with("turns:");
        let (turn, stun) = config.servers.iter().partition::<Vec<_>, _>(is_turn);
        let secret = match &config.secret_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| {
                    format!(
                        "configuration: turn.secret_file = {} cannot be read",
                        file.display()
                    )
                })?;
                let secret = text.trim();
                if secret.len() < SECRET_BYTES {
                    bail!(
                        "configuration: the secret in turn.secret_file must have {SECRET_BYTES} characters or more"
                    );
                }
                Some(secret.to_owned())
            }
            None => None,
        };
        Ok(Self {
            stun: stun.into_iter().cloned().collect(),
            turn: turn.into_iter().cloned().collect(),
            secret,
            doors: RwLock::default(),
        })
    }

    /// Clients outside are told of this, too.
    pub(crate) fn open(self: &Arc<Self>, door: AtController) -> TurnDoor {
        let mut doors = self.doors.write().unwrap_or_else(PoisonError::into_inner);
        doors.0 += 1;
        let number = doors.0;
        doors.1.insert(number, door);
        TurnDoor {
            turn: self.clone(),
            number,
        }
    }

    /// For one client; `who` stands in the logs of the TURN server, and its quotas count by it. `outside`: it comes through a Border
    /// Controller.
    pub(crate) fn servers(&self, who: &str, outside: bool, now: SystemTime) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun.is_empty() {
            servers.push(IceServer {
                urls: self.stun.clone(),
                username: None,
                credential: None,
            });
        }
        if let (Some(secret), false) = (&self.secret, self.turn.is_empty()) {
            let until = (now + HOLD).duration_since(UNIX_EPOCH).unwrap_or_default();
            let username = format!("{}:{who}", until.as_secs());
            let credential = password(secret.as_bytes(), &username);
            servers.push(IceServer {
                urls: self.turn.clone(),
                username: Some(username),
                credential: Some(credential),
            });
        }
        if outside {
            let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner);
            servers.extend(doors.1.values().map(|door| {
                let (username, credential) = door.credentials(now);
                IceServer {
                    urls: vec![door.url()],
                    username: Some(username),
                    credential: Some(credential),
                }
            }));
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(servers: &[&str], secret: Option<&str>) -> anyhow::Result<Turn> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("turn.secret");
        std::fs::write(&file, secret.unwrap_or_default())?;
        Turn::load(&config::Turn {
            servers: servers.iter().map(ToString::to_string).collect(),
            secret_file: secret.map(|_| file),
        })
    }

    #[test]
    fn credentials_are_those_that_a_turn_server_works_out() {
        let secret = "north-south-east";
        let servers = ["turn:t.example.com:3478?transport=udp", "stun:s.example.com"];
        let turn = load(&servers, Some(&format!("{secret}\n"))).expect("good");
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let [stun, turn] = turn.servers("17", false, now).try_into().expect("two");
        assert_eq!((stun.urls, stun.username), (vec![servers[1].to_owned()], None));
        assert_eq!(turn.urls, [servers[0]]);
        assert_eq!(turn.username.as_deref(), Some("1700086400:17"));
        // printf 1700086400:17 | openssl dgst -sha1 -hmac north-south-east -binary | base64
        assert_eq!(turn.credential.as_deref(), Some("pHgRq0tBypoRCt1etZf71ztWruY="));
    }

    #[test]
    fn who_is_outside_hears_of_controllers_for_as_long_as_they_are_there() {
        let turn = Arc::new(load(&[], None).expect("good"));
        let name = "turn.example.com".parse().expect("good");
        let door = turn.open(AtController::new(name, 443, [7; 32]));
        assert_eq!(turn.servers("17", false, UNIX_EPOCH), []);
        let [told] = turn.servers("17", true, UNIX_EPOCH).try_into().expect("one");
        assert_eq!(told.urls, ["turns:turn.example.com:443?transport=tcp"]);
        assert_eq!(
            told.username.as_deref(),
            Some("86400"),
            "says nothing of who it is"
        );
        drop(door);
        assert_eq!(turn.servers("17", true, UNIX_EPOCH), []);
    }

    #[test]
    fn short_secrets_are_refused_and_nothing_is_told_where_nothing_is_set() {
        assert!(load(&["turn:t.example.com"], Some("short")).is_err());
        let none = load(&[], None).expect("good");
        assert_eq!(none.servers("17", true, UNIX_EPOCH), []);
    }
}
