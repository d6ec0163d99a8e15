//! The key with which a server and the Directory meet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use plenary_identity::{IdentityError, JoinSecret};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const FORMAT: u8 = 1;
/// Longest key, and what it may hold.
const LONGEST: usize = 8 * 1024;
const NODES: usize = 64;
const TEXT: usize = 256;

/// What a server proves itself with, beside its certificate; the server keeps this.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// 32 hexadecimal digits.
    pub client_id: String,
    pub secret: JoinSecret,
}

/// What a server's administrator gives to the Directory's, as one word.
#[derive(Debug, Clone)]
pub struct Key {
    pub server: ServerName,
    /// Of the server's program.
    pub version: String,
    /// Addresses of its nodes for people, for the Directory's administrator to see where it is.
    pub nodes: Vec<String>,
    pub credentials: Credentials,
}

/// Why a key cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "this is no key of a server, or a part of it is missing; copy it again, whole, from where the server shows it"
    )]
    Damaged,
    #[error("the key was made by a newer version (format {0}); update the Directory")]
    Newer(u8),
}

#[derive(Serialize, Deserialize)]
struct KeyJson {
    v: u8,
    server: ServerName,
    version: String,
    nodes: Vec<String>,
    client_id: String,
    secret: String,
}

impl Key {
    /// A new key for a server.
    ///
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn make(server: ServerName, version: &str, nodes: Vec<String>) -> Result<Self, IdentityError> {
        let id = JoinSecret::random()?;
        let client_id = id.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}"));
        Ok(Self {
            server,
            version: version.to_owned(),
            nodes,
            credentials: Credentials {
                client_id: client_id.collect(),
                secret: JoinSecret::random()?,
            },
        })
    }

    /// The key as one word to copy: base64url of JSON. It is a secret.
    pub fn encode(&self) -> String {
        let json = KeyJson {
            v: FORMAT,
            server: self.server.clone(),
            version: self.version.clone(),
            nodes: self.nodes.clone(),
            client_id: self.credentials.client_id.clone(),
            secret: BASE64.encode(self.credentials.secret.as_bytes()),
        };
        BASE64.encode(serde_json::to_vec(&json).expect("texts and numbers are always JSON"))
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let damaged = |_| KeyError::Damaged;
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(KeyError::Damaged);
        }
        let json = BASE64.decode(text).map_err(|_| KeyError::Damaged)?;
        // The format is read alone first: a newer version may have changed everything else.
        #[derive(Deserialize)]
        struct Format {
            v: u8,
        }
        let Format { v } = serde_json::from_slice(&json).map_err(damaged)?;
        if v > FORMAT {
            return Err(KeyError::Newer(v));
        }
        let json: KeyJson = serde_json::from_slice(&json).map_err(damaged)?;
        let secret = BASE64.decode(&json.secret).ok();
        let secret = secret.and_then(|bytes| JoinSecret::from_slice(&bytes));
        let is_id = json.client_id.len() == 32 && json.client_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let plain = |text: &String| text.len() <= TEXT && !text.chars().any(char::is_control);
        let bounded = json.nodes.len() <= NODES && json.nodes.iter().all(plain) && plain(&json.version);
        match secret {
            Some(secret) if is_id && bounded => Ok(Self {
                server: json.server,
                version: json.version,
                nodes: json.nodes,
                credentials: Credentials {
                    client_id: json.client_id,
                    secret,
                },
            }),
            _ => Err(KeyError::Damaged),
        }
    }
}

impl fmt::Display for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {} of {}", self.credentials.client_id, self.server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        let nodes = vec!["https://paris.example.com".to_owned()];
        Key::make("paris.example.com".parse().expect("good"), "0.1.0", nodes).expect("random")
    }

    #[test]
    fn keys_survive_the_way_of_a_copied_word() {
        let key = key();
        let word = key.encode();
        let read: Key = format!(" {word}\n").parse().expect("good");
        assert_eq!(read.server, key.server);
        assert_eq!(read.nodes, key.nodes);
        assert_eq!(read.credentials.client_id, key.credentials.client_id);
        assert_eq!(
            read.credentials.secret.as_bytes(),
            key.credentials.secret.as_bytes()
        );
        assert!(!format!("{key:?} {key}").contains(&BASE64.encode(key.credentials.secret.as_bytes())));
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        let word = key().encode();
        let newer = BASE64.encode(r#"{"v":2}"#);
        for bad in ["", "hello", &word[1..], &word[..word.len() - 4]] {
            assert_eq!(bad.parse::<Key>().map(drop), Err(KeyError::Damaged), "{bad}");
        }
        assert_eq!(newer.parse::<Key>().map(drop), Err(KeyError::Newer(2)));
        assert!("x".repeat(LONGEST + 1).parse::<Key>().is_err());
    }
}
