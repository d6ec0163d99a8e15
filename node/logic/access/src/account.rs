use plenary_model::{GroupId, Revision, Timestamp, UserName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything a server keeps of an account (USR-01) but its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Fixed once created.
    pub id: UserName,
    pub profile: Profile,
    /// Groups chosen by an administrator; empty means "Users without group".
    pub groups: BTreeSet<GroupId>,
    /// A disabled account keeps existing, but nobody signs in with it (USR-03).
    pub active: bool,
    pub admin: AdminRole,
    /// The user's own limits; those of the groups apply where these are `None` (USR-07).
    pub bandwidth: Bandwidth,
    /// Set while locked after wrong passwords (USR-10).
    pub locked_until: Option<Timestamp>,
    /// Whether a password is set; accounts without one cannot sign in.
    pub has_password: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

/// The fields of a profile; all texts at most 256 characters, empty where not given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Shown to others; never empty in a stored account: the user name where none was given.
    pub display_name: String,
    /// Unique among accounts, compared without case; also usable to sign in (AUTH-01).
    pub email: String,
    pub first_name: String,
    pub middle_name: String,
    pub last_name: String,
    pub organisation: String,
    pub branch: String,
    pub department: String,
    pub job_title: String,
    pub manager: String,
    pub address: String,
    pub mobile_phone: String,
    pub work_phone: String,
    pub home_phone: String,
    pub sip_number: String,
}

impl Profile {
    /// Every field with the name that the API gives it.
    pub fn fields(&self) -> [(&'static str, &String); 15] {
        [
            ("display_name", &self.display_name),
            ("email", &self.email),
            ("first_name", &self.first_name),
            ("middle_name", &self.middle_name),
            ("last_name", &self.last_name),
            ("organisation", &self.organisation),
            ("branch", &self.branch),
            ("department", &self.department),
            ("job_title", &self.job_title),
            ("manager", &self.manager),
            ("address", &self.address),
            ("mobile_phone", &self.mobile_phone),
            ("work_phone", &self.work_phone),
            ("home_phone", &self.home_phone),
            ("sip_number", &self.sip_number),
        ]
    }

    /// Every field with its name, to change it.
    pub fn fields_mut(&mut self) -> [(&'static str, &mut String); 15] {
        [
            ("display_name", &mut self.display_name),
            ("email", &mut self.email),
            ("first_name", &mut self.first_name),
            ("middle_name", &mut self.middle_name),
            ("last_name", &mut self.last_name),
            ("organisation", &mut self.organisation),
            ("branch", &mut self.branch),
            ("department", &mut self.department),
            ("job_title", &mut self.job_title),
            ("manager", &mut self.manager),
            ("address", &mut self.address),
            ("mobile_phone", &mut self.mobile_phone),
            ("work_phone", &mut self.work_phone),
            ("home_phone", &mut self.home_phone),
            ("sip_number", &mut self.sip_number),
        ]
    }
}

/// Changes to a [`Profile`]: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfilePatch {
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub organisation: Option<String>,
    pub branch: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub manager: Option<String>,
    pub address: Option<String>,
    pub mobile_phone: Option<String>,
    pub work_phone: Option<String>,
    pub home_phone: Option<String>,
    pub sip_number: Option<String>,
}

/// What an account may do in the control panel (AUTH-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// An ordinary user.
    #[default]
    None,
    /// Reads state, events, history and settings history; changes nothing.
    Security,
    /// Reads and changes everything.
    Full,
}

/// Limits of media in and out; `None` means not limited here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    pub in_kbps: Option<u32>,
    pub out_kbps: Option<u32>,
}

/// Presence of a user on all nodes (USR-02): what they do, never where. Of several, the one that stands last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Offline,
    /// On a device that is connected.
    Online,
    /// Has a place in a conference.
    InConference,
    /// In one that is their own.
    Owner,
    /// In a call of two, or calling.
    InCall,
    /// May not sign in.
    Disabled,
}

/// An avatar as it is stored and served; the bytes were checked to be PNG, JPEG or WebP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    pub media_type: String,
    #[serde(with = "serde_bytes_vec")]
    pub bytes: Vec<u8>,
}

mod serde_bytes_vec {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        from.deserialize_byte_buf(Bytes)
    }
}
