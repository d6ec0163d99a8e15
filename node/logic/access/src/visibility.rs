use crate::Profile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A field of a profile that others may see or not. The display name is none: without it nobody could be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileField {
    Email,
    FirstName,
    MiddleName,
    LastName,
    Organisation,
    Branch,
    Department,
    JobTitle,
    Manager,
    Address,
    MobilePhone,
    WorkPhone,
    HomePhone,
    SipNumber,
}

impl ProfileField {
    /// All of them, in the order of the profile.
    pub const ALL: [Self; 14] = [
        Self::Email,
        Self::FirstName,
        Self::MiddleName,
        Self::LastName,
        Self::Organisation,
        Self::Branch,
        Self::Department,
        Self::JobTitle,
        Self::Manager,
        Self::Address,
        Self::MobilePhone,
        Self::WorkPhone,
        Self::HomePhone,
        Self::SipNumber,
    ];

    /// Its name in [`Profile::fields`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::MiddleName => "middle_name",
            Self::LastName => "last_name",
            Self::Organisation => "organisation",
            Self::Branch => "branch",
            Self::Department => "department",
            Self::JobTitle => "job_title",
            Self::Manager => "manager",
            Self::Address => "address",
            Self::MobilePhone => "mobile_phone",
            Self::WorkPhone => "work_phone",
            Self::HomePhone => "home_phone",
            Self::SipNumber => "sip_number",
        }
    }
}

/// Which fields of profiles others see (USR-11). Administrators and the users themselves see all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileVisibility {
    /// Users of this server.
    pub people: BTreeSet<ProfileField>,
    /// Users of other servers.
    pub partners: BTreeSet<ProfileField>,
}

impl Default for ProfileVisibility {
    /// People here see all but what is private; partners see the display name alone.
    fn default() -> Self {
        let private = [
            ProfileField::Address,
            ProfileField::MobilePhone,
            ProfileField::HomePhone,
        ];
        let people = ProfileField::ALL
            .into_iter()
            .filter(|field| !private.contains(field));
        Self {
            people: people.collect(),
            partners: BTreeSet::new(),
        }
    }
}

/// Who looks at a profile that is not their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// A user of this server.
    Here,
    /// A user of another server.
    Partner,
}

impl ProfileVisibility {
    /// Whether `viewer` sees this field.
    pub fn shows(&self, viewer: Viewer, field: ProfileField) -> bool {
        match viewer {
            Viewer::Here => self.people.contains(&field),
            Viewer::Partner => self.partners.contains(&field),
        }
    }

    /// A profile as `viewer` sees it: what is not for them is empty.
    pub fn profile(&self, viewer: Viewer, mut profile: Profile) -> Profile {
        for (name, value) in profile.fields_mut() {
            let field = ProfileField::ALL.into_iter().find(|field| field.name() == name);
            if field.is_some_and(|field| !self.shows(viewer, field)) {
                value.clear();
            }
        }
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Profile {
        let mut profile = Profile::default();
        for (name, value) in profile.fields_mut() {
            name.clone_into(value);
        }
        profile
    }

    fn shown(profile: &Profile) -> Vec<&'static str> {
        let fields = profile.fields().into_iter();
        fields
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn every_field_but_the_display_name_can_be_kept_from_others() {
        let names: Vec<_> = full().fields().iter().map(|(name, _)| *name).collect();
        let fields: Vec<_> = ProfileField::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names[0], "display_name");
        assert_eq!(names[1..], fields);
        let nothing = ProfileVisibility {
            people: BTreeSet::new(),
            partners: ProfileField::ALL.into(),
        };
        assert_eq!(shown(&nothing.profile(Viewer::Here, full())), ["display_name"]);
        assert_eq!(nothing.profile(Viewer::Partner, full()), full());
    }

    #[test]
    fn by_default_nothing_private_is_shown_and_nothing_at_all_to_partners() {
        let usual = ProfileVisibility::default();
        let here = usual.profile(Viewer::Here, full());
        assert_eq!((here.address.as_str(), here.email.as_str()), ("", "email"));
        assert_eq!(shown(&usual.profile(Viewer::Partner, full())), ["display_name"]);
    }
}
