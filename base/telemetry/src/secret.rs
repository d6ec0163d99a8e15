use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroize;

/// A value that is never shown: not in logs, not by `config print`. Wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T: Zeroize>(T);

const HIDDEN: &str = "(hidden)";

impl<T: Zeroize> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Named so that reviewers find the places.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Written as `(hidden)`: what is written cannot be read back.
impl<T: Zeroize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_but_never_shown() {
        #[derive(Debug, Serialize, Deserialize)]
        struct Config {
            password: Secret<String>,
        }
        let config: Config = serde_json::from_str(r#"{"password":"open sesame"}"#).expect("reads");
        assert_eq!(config.password.expose(), "open sesame");
        let json = serde_json::to_string(&config).expect("writes");
        for shown in [format!("{config:?}"), format!("{}", config.password), json] {
            assert!(!shown.contains("sesame") && shown.contains("(hidden)"), "{shown}");
        }
    }
}
