use super::{LicenseManager, Time, mirror};
use plenary_licences::{
    Seats as Amount,
    licence::{self, Covers, LicenceError},
};
use plenary_licensing::{Desk, Installed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mirror! {
    /// How a licence ends.
    LicenceTerm = licence::Term { Free, Trial, Annual, Lifetime }
}
mirror! {
    /// Which product was bought; with `enterprise` whoever is signed in may join conferences.
    LicenceEdition = licence::Edition { Server, Enterprise }
}
mirror! {
    /// How fast the vendor helps.
    LicenceSupport = licence::Support { Basic, Advanced, Complete }
}
mirror! {
    /// What can be had beside seats.
    LicenceExtension = licence::Extension {
        Federation, Watermark, Multicast, Streaming, Dlp, Directory, LicenseManager, BorderController, Sdk, AiServer,
    }
}

/// Numbers of seats.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct SeatNumbers {
    /// Users who may take part in conferences.
    pub pro: u32,
    /// Devices that may be signed in.
    pub online: u32,
    /// Guests of public conferences.
    pub guest: u32,
    /// SIP, H.323 and RTSP connections.
    pub gateway: u32,
}

impl From<Amount> for SeatNumbers {
    fn from(seats: Amount) -> Self {
        Self {
            pro: seats.pro,
            online: seats.online,
            guest: seats.guest,
            gateway: seats.gateway,
        }
    }
}

/// How near the end of a licence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LicenceWarning {
    Within30Days,
    Within7Days,
    WithinADay,
    Over,
}

/// Why a licence file does not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct LicenceReason {
    /// As codes of problems: `licence-expired` and the like.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

/// A licence file that is installed.
#[derive(Debug, Serialize, ToSchema)]
pub struct LicenceFile {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub id: String,
    pub enterprise: String,
    pub contact: String,
    /// Servers that it names; null: any.
    #[schema(required)]
    pub servers: Option<Vec<String>>,
    pub seats: SeatNumbers,
    pub extensions: Vec<LicenceExtension>,
    pub term: LicenceTerm,
    pub edition: LicenceEdition,
    pub support: LicenceSupport,
    pub issued_at: Time,
    pub valid_from: Time,
    /// The first moment at which it no longer counts; null: it never ends.
    #[schema(required)]
    pub valid_until: Option<Time>,
    pub installed_at: Time,
    /// ID of the administrator; null: the server itself.
    #[schema(required)]
    pub installed_by: Option<String>,
    /// Names the key that signed it.
    pub key: String,
    /// Signed with the development key, which anybody has: for trying out only.
    pub development: bool,
    /// Null: it counts.
    #[schema(required)]
    pub idle: Option<LicenceReason>,
    #[schema(required)]
    pub warning: Option<LicenceWarning>,
}

/// What the server may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Licence {
    pub server: String,
    /// Names the server's pool of seats to the vendor.
    pub pool: String,
    /// No file counts: the licence that is built in holds.
    pub free: bool,
    /// A licence that counts is signed with the development key: for trying out only.
    pub development: bool,
    pub edition: LicenceEdition,
    /// What all files that count give together, or what is leased.
    pub seats: SeatNumbers,
    pub extensions: Vec<LicenceExtension>,
    /// Whether groups can have permanent PRO.
    pub permanent_pro: bool,
    pub files: Vec<LicenceFile>,
    /// Where the seats are borrowed; null: the server has its licences itself.
    #[schema(required)]
    pub license_manager: Option<LicenseManager>,
}

impl Licence {
    /// As it is at `now`.
    pub(crate) fn of(desk: &Desk, license_manager: Option<LicenseManager>) -> Self {
        let gives = desk.gives();
        let files: Vec<LicenceFile> = desk.files().map(|file| LicenceFile::of(desk, file)).collect();
        Self {
            server: desk.server().to_string(),
            pool: desk.pool_id().to_string(),
            free: !desk.is_lent() && files.iter().all(|file| file.idle.is_some()),
            development: gives.development,
            edition: match gives.enterprise {
                true => LicenceEdition::Enterprise,
                false => LicenceEdition::Server,
            },
            seats: desk.total().into(),
            extensions: gives.extensions.iter().copied().map(Into::into).collect(),
            permanent_pro: gives.permanent_pro,
            files,
            license_manager,
        }
    }
}

impl LicenceFile {
    pub(crate) fn of(desk: &Desk, installed: &Installed) -> Self {
        let licence = &installed.signed.licence;
        Self {
            id: licence.id.to_string(),
            enterprise: licence.enterprise.clone(),
            contact: licence.contact.clone(),
            servers: match &licence.covers {
                Covers::Any => None,
                Covers::Only(names) => Some(names.iter().map(ToString::to_string).collect()),
            },
            seats: licence.seats.into(),
            extensions: licence.extensions.iter().copied().map(Into::into).collect(),
            term: licence.term.into(),
            edition: licence.edition.into(),
            support: licence.support.into(),
            issued_at: Time(licence.issued),
            valid_from: Time(licence.valid_from),
            valid_until: licence.valid_until.map(Time),
            installed_at: Time(installed.file.at),
            installed_by: installed.file.by.as_ref().map(ToString::to_string),
            key: installed.file.key.id().to_string(),
            development: installed.signed.is_for_development(),
            idle: desk.idle(licence.id).map(LicenceReason::of),
            warning: match installed.file.warned {
                0 => None,
                1 => Some(LicenceWarning::Within30Days),
                2 => Some(LicenceWarning::Within7Days),
                3 => Some(LicenceWarning::WithinADay),
                _ => Some(LicenceWarning::Over),
            },
        }
    }
}

impl LicenceReason {
    fn of(error: &LicenceError) -> Self {
        Self {
            code: error.code().replace('_', "-"),
            detail: error.to_string(),
        }
    }
}

/// A file of the vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorFile {
    /// The text of the file, from its first line to its last.
    #[schema(min_length = 1, max_length = 65536)]
    pub file: String,
}

/// A file for the vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct LicenceRequest {
    /// The text of the file.
    pub file: String,
}
