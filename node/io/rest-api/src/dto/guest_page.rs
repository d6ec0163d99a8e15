use super::{Time, mirror};
use crate::problem::Problem;
use plenary_access as access;
use plenary_model::{Revision, limits};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use utoipa::ToSchema;

mirror! {
    /// On which ground a logo is shown.
    LogoScheme = access::Scheme { Light, Dark }
}

impl FromStr for LogoScheme {
    type Err = NoSuchPlace;

    fn from_str(text: &str) -> Result<Self, NoSuchPlace> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            _ => Err(NoSuchPlace("logos are light or dark")),
        }
    }
}

/// A path that leads to no document or logo.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoSuchPlace(&'static str);

/// The place of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentPlace(pub(crate) u8);

impl FromStr for DocumentPlace {
    type Err = NoSuchPlace;

    fn from_str(text: &str) -> Result<Self, NoSuchPlace> {
        let place = text.parse().ok().filter(|_| text.len() == 1);
        let place = place.filter(|place| (1..=limits::DOCUMENTS).contains(place));
        place
            .map(Self)
            .ok_or(NoSuchPlace("documents have the places 1 to 5"))
    }
}

impl fmt::Display for DocumentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A version of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentRevision(pub(crate) Revision);

impl FromStr for DocumentRevision {
    type Err = NoSuchPlace;

    fn from_str(text: &str) -> Result<Self, NoSuchPlace> {
        let number = text.parse().map_err(|_| NoSuchPlace("versions are numbers"))?;
        Ok(Self(Revision(number)))
    }
}

impl fmt::Display for DocumentRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When the logos of the enterprise were changed last; null: there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Logos {
    #[schema(required)]
    pub light: Option<String>,
    #[schema(required)]
    pub dark: Option<String>,
}

impl Logos {
    pub(crate) fn of(page: &access::GuestPage) -> Self {
        Self {
            light: page.logo_light.map(|revision| revision.to_string()),
            dark: page.logo_dark.map(|revision| revision.to_string()),
        }
    }
}

/// A document that people without an account agree to, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentHead {
    #[schema(minimum = 1, maximum = 5)]
    pub place: u8,
    pub title: String,
    /// Where it is; null: its text is here.
    #[schema(required)]
    pub link: Option<String>,
    /// Changes with each change; who agreed to another one is asked again.
    #[schema(pattern = "^[0-9]+$")]
    pub version: String,
}

impl From<access::DocumentHead> for DocumentHead {
    fn from(head: access::DocumentHead) -> Self {
        Self {
            place: head.place,
            title: head.title,
            link: head.link,
            version: head.version.to_string(),
        }
    }
}

/// What a document was before it was changed or removed, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct PastDocument {
    pub title: String,
    /// Where it was; null: its text is here.
    #[schema(required)]
    pub link: Option<String>,
    #[schema(pattern = "^[0-9]+$")]
    pub version: String,
    /// When it was no more as it had been.
    pub until: Time,
}

impl From<access::PastDocument> for PastDocument {
    fn from(past: access::PastDocument) -> Self {
        Self {
            title: past.head.title,
            link: past.head.link,
            version: past.head.version.to_string(),
            until: Time(past.until),
        }
    }
}

/// A document that people without an account agree to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Document {
    #[schema(minimum = 1, maximum = 5)]
    pub place: u8,
    pub title: String,
    /// Where it is; null: its text is here.
    #[schema(required)]
    pub link: Option<String>,
    /// Plain text; null: it is elsewhere.
    #[schema(required)]
    pub text: Option<String>,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub version: String,
}

impl From<access::Document> for Document {
    fn from(document: access::Document) -> Self {
        let (link, text) = match document.content {
            access::Content::Link(link) => (Some(link), None),
            access::Content::Text(text) => (None, Some(text)),
        };
        Self {
            place: document.place,
            title: document.title,
            link,
            text,
            version: document.version.to_string(),
        }
    }
}

/// A document as an administrator writes it: with a text or with a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    #[schema(min_length = 1, max_length = 128)]
    pub title: String,
    /// Plain text.
    #[schema(max_length = 100000)]
    pub text: Option<String>,
    /// An `https` address.
    #[schema(max_length = 2000)]
    pub link: Option<String>,
    /// Everybody is asked again, also where nothing else has changed: what the link leads to may have.
    #[serde(default)]
    pub again: bool,
}

impl NewDocument {
    pub(crate) fn read(self) -> Result<access::NewDocument, Problem> {
        let content = match (self.text, self.link) {
            (Some(text), None) => access::Content::Text(text.replace("\r\n", "\n")),
            (None, Some(link)) => access::Content::Link(link),
            (None, None) => {
                return Err(Problem::field(
                    "text",
                    "is missing; write the text, or give a link",
                ));
            }
            (Some(_), Some(_)) => {
                let reason = "is there beside a text; a document has one of them";
                return Err(Problem::field("link", reason));
            }
        };
        Ok(access::NewDocument {
            title: self.title,
            content,
            again: self.again,
        })
    }
}

/// A version of a document that somebody agrees to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreedDocument {
    #[schema(minimum = 1, maximum = 5)]
    pub place: u8,
    /// Of `documents` of the server.
    #[schema(pattern = "^[0-9]+$")]
    pub version: String,
}

impl AgreedDocument {
    pub(crate) fn read_all(all: &[Self]) -> Result<Vec<access::DocumentVersion>, Problem> {
        if all.len() > usize::from(limits::DOCUMENTS) {
            return Err(Problem::field("agreed", "must be at most 5"));
        }
        let read = |(at, one): (usize, &Self)| {
            let version = one.version.parse().map_err(|_| {
                let reason = "is no version; take it from `documents` of the server";
                Problem::field(format!("agreed[{at}].version"), reason)
            })?;
            Ok(access::DocumentVersion {
                place: one.place,
                version: Revision(version),
            })
        };
        all.iter().enumerate().map(read).collect()
    }
}
