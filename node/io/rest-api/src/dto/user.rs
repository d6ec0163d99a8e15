use super::{Rights, Time, check_text, mirror, parse};
use crate::problem::Problem;
use plenary_access as access;
use plenary_model::{GroupId, ServerName, UserId, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

mirror! {
    /// What an account may do in the control panel.
    AdminRole = access::AdminRole { None, Security, Full }
}
mirror! {
    /// Whether a user can be reached, on whichever node, and whether they are in a meeting: `in_call` of two, `owner` in a
    /// conference of their own, `in_conference` in another one.
    Presence = access::Presence { Offline, Online, InConference, Owner, InCall, Disabled }
}

/// What limits of bandwidth can be, in kbit/s.
pub(crate) const KBPS: std::ops::RangeInclusive<u32> = 32..=10_000_000;

/// Limits of media in kbit/s; null: not limited here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    #[serde(default)]
    #[schema(minimum = 32, maximum = 10000000)]
    pub in_kbps: Option<u32>,
    #[serde(default)]
    #[schema(minimum = 32, maximum = 10000000)]
    pub out_kbps: Option<u32>,
}

impl From<access::Bandwidth> for Bandwidth {
    fn from(limits: access::Bandwidth) -> Self {
        Self {
            in_kbps: limits.in_kbps,
            out_kbps: limits.out_kbps,
        }
    }
}

impl Bandwidth {
    pub(crate) fn read(self) -> Result<access::Bandwidth, Problem> {
        for (field, value) in [
            ("bandwidth.in_kbps", self.in_kbps),
            ("bandwidth.out_kbps", self.out_kbps),
        ] {
            if value.is_some_and(|kbps| !KBPS.contains(&kbps)) {
                let reason = "must be 32 to 10000000, or null for no limit";
                return Err(Problem::field(field, reason));
            }
        }
        Ok(access::Bandwidth {
            in_kbps: self.in_kbps,
            out_kbps: self.out_kbps,
        })
    }
}

/// Calls `$go!` with the fields of a profile.
macro_rules! profile_fields {
    ($go:ident) => {
        $go! {
            display_name, email, first_name, middle_name, last_name, organisation, branch, department, job_title,
            manager, address, mobile_phone, work_phone, home_phone, sip_number
        }
    };
}

/// An account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// The name before `@`; stays once created.
    pub id: String,
    /// The name with the server.
    pub user_id: String,
    pub display_name: String,
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
    /// IDs of the groups that an administrator chose.
    pub groups: Vec<String>,
    /// Nobody signs in with an account that is not active.
    pub active: bool,
    pub admin: AdminRole,
    pub bandwidth: Bandwidth,
    pub presence: Presence,
    /// Set while the account is locked after wrong passwords.
    #[schema(required)]
    pub locked_until: Option<Time>,
    /// Without a password nobody signs in.
    pub has_password: bool,
    pub has_avatar: bool,
    pub created_at: Time,
    pub updated_at: Time,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl User {
    pub(crate) fn of(row: access::UserRow, server: &ServerName) -> Self {
        let access::UserRow {
            user,
            presence,
            has_avatar,
        } = row;
        let profile = user.profile;
        let user_id = UserId {
            name: user.id.clone(),
            server: server.clone(),
        };
        macro_rules! fill {
            ($($field:ident),+) => {
                Self {
                    $($field: profile.$field,)+
                    user_id: user_id.to_string(),
                    id: user.id.into(),
                    groups: user.groups.into_iter().map(String::from).collect(),
                    active: user.active,
                    admin: user.admin.into(),
                    bandwidth: user.bandwidth.into(),
                    presence: presence.into(),
                    locked_until: user.locked_until.map(Time),
                    has_password: user.has_password,
                    has_avatar,
                    created_at: Time(user.created_at),
                    updated_at: Time(user.updated_at),
                    revision: user.revision.to_string(),
                }
            };
        }
        profile_fields!(fill)
    }
}

/// A user as other users see them: what the settings of the server do not show is empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// The name before `@`.
    pub id: String,
    /// The name with the server.
    pub user_id: String,
    pub display_name: String,
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

impl Person {
    pub(crate) fn of(id: UserName, profile: access::Profile, server: &ServerName) -> Self {
        let user_id = UserId {
            name: id.clone(),
            server: server.clone(),
        };
        macro_rules! fill {
            ($($field:ident),+) => {
                Self {
                    $($field: profile.$field,)+
                    user_id: user_id.to_string(),
                    id: id.into(),
                }
            };
        }
        profile_fields!(fill)
    }
}

/// The account that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    pub user: User,
    /// What the groups of the account allow together.
    pub rights: Rights,
    /// The account's own limits, else the strictest of its groups.
    pub bandwidth_effective: Bandwidth,
    /// Whether the account may use the control panel from where it asks.
    pub administration: bool,
    /// Name of the server.
    pub server: String,
}

/// Fields of a profile; those that are missing or null stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProfilePatch {
    #[schema(max_length = 256)]
    pub display_name: Option<String>,
    /// Unique; also usable to sign in. Empty: none.
    #[schema(max_length = 254)]
    pub email: Option<String>,
    #[schema(max_length = 256)]
    pub first_name: Option<String>,
    #[schema(max_length = 256)]
    pub middle_name: Option<String>,
    #[schema(max_length = 256)]
    pub last_name: Option<String>,
    #[schema(max_length = 256)]
    pub organisation: Option<String>,
    #[schema(max_length = 256)]
    pub branch: Option<String>,
    #[schema(max_length = 256)]
    pub department: Option<String>,
    #[schema(max_length = 256)]
    pub job_title: Option<String>,
    #[schema(max_length = 256)]
    pub manager: Option<String>,
    #[schema(max_length = 256)]
    pub address: Option<String>,
    #[schema(max_length = 256)]
    pub mobile_phone: Option<String>,
    #[schema(max_length = 256)]
    pub work_phone: Option<String>,
    #[schema(max_length = 256)]
    pub home_phone: Option<String>,
    #[schema(max_length = 256)]
    pub sip_number: Option<String>,
}

impl ProfilePatch {
    pub(crate) fn read(self) -> Result<access::ProfilePatch, Problem> {
        macro_rules! check {
            ($($field:ident),+) => {{
                $(if let Some(text) = &self.$field {
                    let most = if stringify!($field) == "email" { limits::EMAIL } else { limits::PROFILE_FIELD };
                    check_text(stringify!($field), text, most)?;
                })+
                access::ProfilePatch { $($field: self.$field),+ }
            }};
        }
        Ok(profile_fields!(check))
    }
}

macro_rules! take_profile {
    ($from:expr) => {
        ProfilePatch {
            display_name: $from.display_name,
            email: $from.email,
            first_name: $from.first_name,
            middle_name: $from.middle_name,
            last_name: $from.last_name,
            organisation: $from.organisation,
            branch: $from.branch,
            department: $from.department,
            job_title: $from.job_title,
            manager: $from.manager,
            address: $from.address,
            mobile_phone: $from.mobile_phone,
            work_phone: $from.work_phone,
            home_phone: $from.home_phone,
            sip_number: $from.sip_number,
        }
    };
}

/// Declares a request with the fields of an account beside some of its own, flat as the interface has them.
macro_rules! account_request {
    ($(#[$meta:meta])* $name:ident { $($(#[$own_meta:meta])* $own:ident: $own_ty:ty),* }) => {
        $(#[$meta])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$own_meta])* pub $own: $own_ty,)*
            /// At most 64 characters; the password policy says more.
            #[schema(min_length = 1, max_length = 64)]
            pub password: Option<String>,
            /// Shown to others; empty: the ID.
            #[schema(max_length = 256)]
            pub display_name: Option<String>,
            /// Unique; also usable to sign in. Empty: none.
            #[schema(max_length = 254)]
            pub email: Option<String>,
            #[schema(max_length = 256)]
            pub first_name: Option<String>,
            #[schema(max_length = 256)]
            pub middle_name: Option<String>,
            #[schema(max_length = 256)]
            pub last_name: Option<String>,
            #[schema(max_length = 256)]
            pub organisation: Option<String>,
            #[schema(max_length = 256)]
            pub branch: Option<String>,
            #[schema(max_length = 256)]
            pub department: Option<String>,
            #[schema(max_length = 256)]
            pub job_title: Option<String>,
            #[schema(max_length = 256)]
            pub manager: Option<String>,
            #[schema(max_length = 256)]
            pub address: Option<String>,
            #[schema(max_length = 256)]
            pub mobile_phone: Option<String>,
            #[schema(max_length = 256)]
            pub work_phone: Option<String>,
            #[schema(max_length = 256)]
            pub home_phone: Option<String>,
            #[schema(max_length = 256)]
            pub sip_number: Option<String>,
            /// IDs of groups.
            #[schema(max_items = 256)]
            pub groups: Option<Vec<String>>,
            pub active: Option<bool>,
            pub admin: Option<AdminRole>,
            pub bandwidth: Option<Bandwidth>,
        }

        impl $name {
            /// Takes the password out, to be hashed, and checks the rest.
            pub(crate) fn read(mut self) -> Result<(Option<String>, access::UserPatch), Problem> {
                let password = self.password.take();
                let profile = take_profile!(self).read()?;
                let patch = access::UserPatch {
                    profile,
                    password: None,
                    groups: self.groups.map(|ids| read_groups("groups", &ids)).transpose()?,
                    active: self.active,
                    admin: self.admin.map(Into::into),
                    bandwidth: self.bandwidth.map(Bandwidth::read).transpose()?,
                };
                Ok((password, patch))
            }
        }
    };
}

account_request! {
    /// A new account. Without a password it cannot sign in.
    NewUser {
        /// Latin or Cyrillic letters, digits, `_`, `-`, `.`; stays once created.
        #[schema(min_length = 1, max_length = 64,
            pattern = "^[0-9A-Za-z_.\\-À-ÖØ-öø-ɏЀ-ҁҊ-ԯ]{1,64}$")]
        id: String
    }
}
account_request! {
    /// Changes to an account; what is missing or null stays as it is.
    UserPatch {}
}

impl NewUser {
    /// The account to be and its password, which is yet to be hashed.
    pub(crate) fn read_new(self) -> Result<(access::NewUser, Option<String>), Problem> {
        let id: UserName = parse("id", &self.id)?;
        let (password, patch) = self.read()?;
        let given = patch.profile;
        macro_rules! fill {
            ($($field:ident),+) => { access::Profile { $($field: given.$field.unwrap_or_default()),+ } };
        }
        let mut profile = profile_fields!(fill);
        if profile.display_name.is_empty() {
            profile.display_name = id.to_string();
        }
        let user = access::NewUser {
            id,
            profile,
            password: None,
            groups: patch.groups.unwrap_or_default(),
            active: patch.active.unwrap_or(true),
            admin: patch.admin.unwrap_or_default(),
            bandwidth: patch.bandwidth.unwrap_or_default(),
        };
        Ok((user, password))
    }
}

/// Reads IDs of groups; `field` names the list in problems.
pub(crate) fn read_groups(field: &str, ids: &[String]) -> Result<BTreeSet<GroupId>, Problem> {
    if ids.len() > limits::GROUPS_PER_USER {
        let reason = format!("has too many entries; at most {}", limits::GROUPS_PER_USER);
        return Err(Problem::field(field, reason));
    }
    let ids = ids.iter().enumerate();
    ids.map(|(at, id)| parse(&format!("{field}[{at}]"), id)).collect()
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    pub created: u32,
    pub updated: u32,
    pub groups_created: u32,
}
