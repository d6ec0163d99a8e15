use plenary_model::{Revision, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that strangers read and agree to before they come as guests: terms of use, a privacy policy (WEB-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which of the five it is, from 1 on; also the order in which they are shown.
    pub place: u8,
    pub title: String,
    pub content: Content,
    /// When it was changed last: whoever agreed to another version is asked again.
    pub version: Revision,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Plain text with line breaks, 1 to 100,000 characters.
    Text(String),
    /// Elsewhere: an `https` address.
    Link(String),
}

/// A document as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDocument {
    pub title: String,
    pub content: Content,
    /// Everybody is asked again, also where nothing else has changed: what a link leads to may have.
    #[serde(default)]
    pub again: bool,
}

/// A document without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentHead {
    pub place: u8,
    pub title: String,
    pub link: Option<String>,
    pub version: Revision,
}

/// What a document was before it was changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDocument {
    pub head: DocumentHead,
    /// When it was no more as it had been.
    pub until: Timestamp,
}

/// One version of a document. Two never have the same, also where one took the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentVersion {
    pub place: u8,
    pub version: Revision,
}

impl DocumentHead {
    /// What people name who agree to it.
    pub fn version(&self) -> DocumentVersion {
        DocumentVersion {
            place: self.place,
            version: self.version,
        }
    }
}

/// On which ground a logo is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    /// As it is stored, and stands in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What strangers see beside the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestPage {
    /// In the order of their places.
    pub documents: Vec<DocumentHead>,
    /// When the logos were changed last.
    pub logo_light: Option<Revision>,
    pub logo_dark: Option<Revision>,
}
