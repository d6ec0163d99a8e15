//! The JSON of the interface: what comes in is checked and becomes a command, what goes out is a plain copy.

mod address_book;
mod agenda;
mod border;
mod call;
mod chat;
mod cluster;
mod conference;
mod conference_launch;
mod conference_settings;
mod directory;
mod event;
mod federation;
mod group;
mod guest;
mod guest_page;
mod history;
mod invitation;
mod kept_layout;
mod licence;
mod license_manager;
mod look;
mod manager_overview;
mod moderation;
mod partner;
mod registration;
mod seats;
mod session;
mod settings;
mod template;
mod user;
mod zones;

pub use address_book::*;
pub use agenda::*;
pub use border::*;
pub use call::*;
pub use chat::*;
pub use cluster::*;
pub use conference::*;
pub(crate) use conference_launch::launch_of;
pub use conference_launch::*;
pub use conference_settings::*;
pub use directory::*;
pub use event::*;
pub use federation::*;
pub use group::*;
pub use guest::*;
pub use guest_page::*;
pub(crate) use guest_page::{DocumentPlace, DocumentRevision};
pub use history::*;
pub use invitation::*;
pub use kept_layout::*;
pub use licence::*;
pub use license_manager::*;
pub use look::*;
pub use manager_overview::*;
pub use moderation::*;
pub use partner::*;
pub use registration::*;
pub use seats::*;
pub use session::*;
pub use settings::*;
pub use template::*;
pub use user::*;
pub use zones::*;

use crate::problem::Problem;
use chrono::{DateTime, SecondsFormat};
use plenary_model::Timestamp;
use serde::{Deserialize, Serialize, Serializer, de};
use std::str::FromStr;
use utoipa::ToSchema;

/// An enumeration of the interface that says the same as one of the inside.
macro_rules! mirror {
    ($(#[$meta:meta])* $name:ident = $inner:ty { $($variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($variant),+
        }
        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                type Inner = $inner;
                match value {
                    $(Inner::$variant => Self::$variant),+
                }
            }
        }
        impl From<$name> for $inner {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}
pub(crate) use mirror;

/// RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(#[schema(inline)] pub Timestamp);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The last moment that RFC 3339 can write: year 9999.
        const LAST_MS: u64 = 253_402_300_799_999;
        let ms = i64::try_from(self.0.0.min(LAST_MS)).expect("the bound is below i64::MAX");
        let time = DateTime::from_timestamp_millis(ms).expect("the bound is below chrono's");
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time like 2030-01-31T12:00:00Z");
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
        let ms = u64::try_from(time.timestamp_millis()).map_err(|_| wrong())?;
        Ok(Self(Timestamp(ms)))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// All rows that match, not only those of this page.
    pub total: u64,
    /// `cursor` of the following page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn of<R>(page: plenary_access::Page<R>, each: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(each).collect(),
            total: page.total,
            next: page.next,
        }
    }
}

/// Reads a text of the request as a value of the inside, or names the field that is wrong.
pub(crate) fn parse<T>(field: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Problem::field(field, error.to_string()))
}

/// Refuses a text of more than `most` characters, or of more than one line.
pub(crate) fn check_text(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    if text.chars().count() > most {
        return Err(Problem::field(
            field,
            format!("is too long; at most {most} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::field(
            field,
            "must not contain control characters or line breaks",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_and_read_with_any_offset() {
        assert_eq!(
            Time(Timestamp(1_700_000_000_123)).to_string(),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(
            "2023-11-14T23:13:20.123+01:00".parse(),
            Ok(Time(Timestamp(1_700_000_000_123)))
        );
        for bad in ["", "yesterday", "1969-12-31T23:59:59Z", "2023-11-14"] {
            assert!(bad.parse::<Time>().is_err(), "{bad:?}");
        }
        assert_eq!(Time(Timestamp(u64::MAX)).to_string(), "9999-12-31T23:59:59.999Z");
    }
}
