use super::{
    LicenceError,
    key::{DEVELOPMENT_KEY, KeyId, PublicKey},
};
use std::fmt;

/// The vendor's key that this product was built with; what `PLENARY_VENDOR_KEY` said then. A text that is no key
/// fails the build.
const BUILT_WITH: Option<PublicKey> = match option_env!("PLENARY_VENDOR_KEY") {
    None => None,
    Some(text) if text.is_empty() => None,
    Some(text) => match PublicKey::parse(text.as_bytes()) {
        Some(key) => Some(key),
        None => panic!(
            "PLENARY_VENDOR_KEY is not 64 hexadecimal digits, as `plenaryctl licence keygen` prints them"
        ),
    },
};

/// What is known when a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    pub vendor: Option<PublicKey>,
    /// Built without optimisation, to be tried out by those who change it.
    pub is_debug: bool,
}

impl Build {
    /// This one.
    pub const THIS: Self = Self {
        vendor: BUILT_WITH,
        is_debug: cfg!(debug_assertions),
    };
}

/// Whose signatures count in a program: the vendor's, and the development key's where licences are only tried out.
///
/// | built | the variable | vendor's key | development key |
/// | --- | --- | --- | --- |
/// | with a vendor's key | not set, or `no` | counts | refused |
/// | with a vendor's key | `yes` | counts | counts |
/// | without, for debugging | not set, or `yes` | – | counts |
/// | without, for debugging | `no` | – | refused |
/// | without, optimised | not set, or `no` | – | refused |
/// | without, optimised | `yes` | – | counts |
///
/// The development key's private half is public, so whoever sets the variable can make any licence: all that is shown
/// of such a licence says that it is for development ([`Trust::warning`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<PublicKey>,
}

/// The variable says something else than `yes` or `no`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("PLENARY_DEVELOPMENT_LICENCES is {0:?}; set it to yes or no, or not at all")]
pub struct TrustError(String);

impl Trust {
    /// The variable of the environment that decides about the development key; read when a program starts.
    pub const VARIABLE: &'static str = "PLENARY_DEVELOPMENT_LICENCES";
    /// What is said wherever a licence of the development key is shown.
    pub const MARK: &'static str = "development licence, not for use";

    /// Decides for a build and what [`Trust::VARIABLE`] says, if it is set.
    ///
    /// # Errors
    /// When the variable is neither `yes` nor `no`.
    pub fn new(build: Build, asked: Option<&str>) -> Result<Self, TrustError> {
        let development = match asked {
            None | Some("") => build.is_debug && build.vendor.is_none(),
            Some("yes") => true,
            Some("no") => false,
            Some(other) => return Err(TrustError(other.to_owned())),
        };
        let development = development.then_some(DEVELOPMENT_KEY);
        Ok(Self {
            keys: build.vendor.into_iter().chain(development).collect(),
        })
    }

    /// The keys whose signatures count.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Whether licences count that anybody can sign.
    pub fn counts_development(&self) -> bool {
        self.keys.iter().any(PublicKey::is_for_development)
    }

    /// What a program writes to its log when it starts; `None` if there is nothing to warn of.
    pub fn warning(&self) -> Option<&'static str> {
        if self.counts_development() {
            return Some(
                "licences of the development key count here; anybody can make them, so this is for trying out only",
            );
        }
        self.keys.is_empty().then_some(
            "this program was built without a vendor's key: no licence file counts, only the free licence",
        )
    }
}

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub const fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let (mut bytes, mut at) = ([0; 32], 0);
        while at < 32 {
            let (Some(high), Some(low)) = (digit(text[2 * at]), digit(text[2 * at + 1])) else {
                return None;
            };
            bytes[at] = high * 16 + low;
            at += 1;
        }
        Some(Self(bytes))
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for PublicKey {
    type Err = LicenceError;

    fn from_str(text: &str) -> Result<Self, LicenceError> {
        let what = "a public key is 64 hexadecimal digits, as `plenaryctl licence keygen` prints them";
        Self::parse(text.trim().as_bytes()).ok_or(LicenceError::Impossible { what })
    }
}

/// Why a signature by a key that is not among those that count does not count.
pub(super) fn refusal(key: KeyId) -> LicenceError {
    match key == DEVELOPMENT_KEY.id() {
        true => LicenceError::DevelopmentKey,
        false => LicenceError::ForeignKey,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_key_counts_only_where_licences_are_tried_out() {
        let vendor = Some(PublicKey([7; 32]));
        let cases = [
            (vendor, true, None, false),
            (vendor, true, Some("no"), false),
            (vendor, false, None, false),
            (vendor, false, Some("yes"), true),
            (None, true, None, true),
            (None, true, Some("yes"), true),
            (None, true, Some("no"), false),
            (None, false, None, false),
            (None, false, Some("no"), false),
            (None, false, Some("yes"), true),
        ];
        for (vendor, is_debug, asked, counts) in cases {
            let trust = Trust::new(Build { vendor, is_debug }, asked).expect("well said");
            assert_eq!(
                trust.counts_development(),
                counts,
                "{vendor:?} {is_debug} {asked:?}"
            );
            assert_eq!(trust.keys().contains(&PublicKey([7; 32])), vendor.is_some());
            assert_eq!(trust.warning().is_some(), counts || vendor.is_none());
        }
        Trust::new(Build::THIS, Some("perhaps")).expect_err("it is neither yes nor no");
    }

    #[test]
    fn a_public_key_has_one_text() {
        let text = DEVELOPMENT_KEY.to_string();
        assert_eq!(text.parse(), Ok(DEVELOPMENT_KEY));
        assert_eq!(text.to_uppercase().parse(), Ok(DEVELOPMENT_KEY));
        for wrong in ["", "54", &text[1..], &format!("{text}0"), &text.replace('5', "g")] {
            wrong.parse::<PublicKey>().expect_err("no key");
        }
    }
}
