use crate::{Bandwidth, Group};
use plenary_model::{GroupId, Right, Rights};

/// What a group may be given at all (USR-05, §14.4.1 of the guide): nobody but members of own groups is an
/// operator; guests and federated users have nothing here that they could edit, create or survey with.
pub fn allowed_rights(group: &GroupId) -> Rights {
    let all = Right::ALL.into_iter();
    if *group == GroupId::guests() || *group == GroupId::federated() {
        let never = [
            Right::EditAddressBook,
            Right::CreateConferences,
            Right::Surveys,
            Right::Operator,
            Right::Record,
        ];
        let calls = *group == GroupId::guests();
        return Rights(
            all.filter(|right| !(never.contains(right) || calls && *right == Right::MakeCalls))
                .collect(),
        );
    }
    if *group == GroupId::ungrouped() {
        return Rights(all.filter(|right| *right != Right::Operator).collect());
    }
    Rights(all.collect())
}

/// What somebody of another server may do here (FED-03, USR-04): what their own server allows them *and* the group
/// "Federated users" of this one does. What that group can never have ([`allowed_rights`]) they have not either, whatever is
/// stored. `home` is what the other server says of them; it can only take away.
pub fn rights_of_federated(home: &Rights, here: &Rights) -> Rights {
    let allowed = allowed_rights(&GroupId::federated());
    let both = Right::ALL.into_iter();
    Rights(
        both.filter(|right| home.allows(*right) && here.allows(*right) && allowed.allows(*right))
            .collect(),
    )
}

/// The rights of a member of `groups`: allowed in any group wins.
pub fn effective_rights<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Rights {
    groups
        .into_iter()
        .fold(Rights::default(), |rights, group| rights.union(&group.rights))
}

/// The limits of a user: the own value wins, else the strictest of the groups (USR-07).
pub fn effective_bandwidth<'a>(own: Bandwidth, groups: impl IntoIterator<Item = &'a Group>) -> Bandwidth {
    let strictest = groups
        .into_iter()
        .fold(Bandwidth::default(), |limit, group| Bandwidth {
            in_kbps: stricter(limit.in_kbps, group.bandwidth.in_kbps),
            out_kbps: stricter(limit.out_kbps, group.bandwidth.out_kbps),
        });
    Bandwidth {
        in_kbps: own.in_kbps.or(strictest.in_kbps),
        out_kbps: own.out_kbps.or(strictest.out_kbps),
    }
}

fn stricter(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AddressBook;
    use plenary_model::{Revision, Timestamp};

    fn group(rights: &[Right], in_kbps: Option<u32>) -> Group {
        Group {
            id: "g".parse().expect("good"),
            name: "G".into(),
            rights: Rights(rights.iter().copied().collect()),
            address_book: AddressBook::default(),
            bandwidth: Bandwidth {
                in_kbps,
                out_kbps: None,
            },
            call_id: None,
            created_at: Timestamp(0),
            revision: Revision(0),
        }
    }

    #[test]
    fn allowed_in_any_group_wins() {
        let groups = [group(&[Right::MakeCalls], None), group(&[Right::Record], None)];
        assert_eq!(
            effective_rights(&groups),
            Rights([Right::MakeCalls, Right::Record].into())
        );
    }

    #[test]
    fn the_own_limit_wins_else_the_strictest_of_the_groups() {
        let groups = [group(&[], Some(2048)), group(&[], Some(1024)), group(&[], None)];
        assert_eq!(
            effective_bandwidth(Bandwidth::default(), &groups).in_kbps,
            Some(1024)
        );
        let own = Bandwidth {
            in_kbps: Some(4096),
            out_kbps: None,
        };
        assert_eq!(effective_bandwidth(own, &groups).in_kbps, Some(4096));
    }

    #[test]
    fn who_comes_from_another_server_may_do_what_both_servers_allow() {
        let rights = |rights: &[Right]| Rights(rights.iter().copied().collect());
        let home = rights(&[Right::MakeCalls, Right::ShareScreen, Right::Operator]);
        let here = rights(&[Right::MakeCalls, Right::Operator, Right::Record]);
        assert_eq!(rights_of_federated(&home, &here), rights(&[Right::MakeCalls]));
        let all = Rights(Right::ALL.into());
        let most = rights_of_federated(&all, &all);
        assert_eq!(most, allowed_rights(&GroupId::federated()));
        assert_eq!(rights_of_federated(&Rights::default(), &all), Rights::default());
    }

    #[test]
    fn strangers_are_never_operators() {
        for group in [GroupId::guests(), GroupId::federated(), GroupId::ungrouped()] {
            assert!(!allowed_rights(&group).allows(Right::Operator));
        }
    }
}
