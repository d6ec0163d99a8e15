//! Settings, waiting rooms, podiums and PINs as rows.

use crate::{
    home::*,
    licensing::code,
    meetings::{account, enter, review, roster, with_room},
};
use plenary_access::*;
use plenary_conference::{
    self as conference, Act, Arrangement, Heard, Invited, Layout, Mode, ParticipantId, Patch, Pin, Put, Role,
    SettingsPatch, Slot, WaitingRoom,
};
use plenary_store::queries;

type Meeting = conference::Change;

pub(crate) fn run_as(settings: SettingsPatch) -> Meeting {
    Meeting::Update {
        cid: review(),
        expect: None,
        patch: Patch {
            settings,
            ..Patch::default()
        },
    }
}

/// With a PIN and a waiting room, moderated by Alice.
pub(crate) fn strict() -> SettingsPatch {
    SettingsPatch {
        pin: Some(Put::To(Pin("4711".into()))),
        waiting_room: Some(Put::To(WaitingRoom::All)),
        moderators: Some(vec![name("alice")]),
        ..SettingsPatch::default()
    }
}

pub(crate) fn podium() -> SettingsPatch {
    SettingsPatch {
        mode: Some(Mode::Smart),
        podium_places: Some(1),
        pin: Some(Put::Nothing),
        waiting_room: Some(Put::Nothing),
        ..SettingsPatch::default()
    }
}

/// As somebody in the meeting.
pub(crate) fn act(act: Act) -> Meeting {
    Meeting::Act {
        cid: review(),
        by: Some(ParticipantId(2)),
        act,
    }
}

pub(crate) fn act_by_owner(act: Act) -> Meeting {
    Meeting::Act {
        cid: review(),
        by: None,
        act,
    }
}

pub(crate) fn acts() -> Vec<Act> {
    let id = ParticipantId(1);
    vec![
        Act::AdmitAll,
        Act::Admit(id),
        Act::SendBack(id),
        Act::Mute(id),
        Act::Pin(id),
        Act::TakePodium(id),
        Act::MakeModerator(id),
        Act::Remove(id),
        Act::Lock,
        Act::End,
    ]
}

pub(crate) fn speaks(id: u64) -> Meeting {
    Meeting::Spoke {
        cid: review(),
        heard: vec![Heard {
            participant: ParticipantId(id),
            ago_ms: 0,
        }],
    }
}

fn with_pin(id: u64, user: &str, digits: &str) -> Meeting {
    let mut change = enter(id, account(user));
    if let Meeting::Enter { pin, .. } = &mut change {
        *pin = Some(Pin(digits.into()));
    }
    change
}

#[test]
fn what_gates_and_moderators_decide_is_there_after_a_restart_and_in_a_snapshot() {
    let mut home = with_room();
    home.ok(by("bob"), run_as(strict()));
    home.ok(system(), enter(1, account("alice")));
    let wrong = home.run(plain(system(), with_pin(2, "root", "0000")));
    assert!(
        matches!(wrong, Ok(Outcome::KeptOut { ref code, .. }) if code == "wrong-pin"),
        "{wrong:?}"
    );
    assert_eq!(home.count("pin_attempts"), 1);
    home.ok(system(), with_pin(2, "root", "4711"));
    assert_eq!(home.count("pin_attempts"), 0);
    assert_eq!(home.count("conference_people"), 1);
    let by_alice = |act| Meeting::Act {
        cid: review(),
        by: Some(ParticipantId(1)),
        act,
    };
    home.ok(system(), by_alice(Act::Lock));
    let layout = Layout {
        arrangement: Arrangement::Speaker,
        pinned: Some(ParticipantId(1)),
        locked: true,
        slots: vec![Slot::Speaker, Slot::Person(ParticipantId(1)), Slot::Automatic],
        shuffle_s: Some(30),
        names_hidden: true,
        kept: None,
    };
    home.ok(system(), by_alice(Act::SetLayout(layout.clone())));
    let waits = home.run(plain(system(), act(Act::Unlock)));
    assert!(matches!(waits, Err(Refusal::Forbidden { .. })), "{waits:?}");
    let (digest, before) = (home.digest(), roster(&home));
    assert!(before[1].standing.waiting.is_some());
    home.reopen();
    let copy = home.copied();
    for mut home in [home, copy] {
        assert_eq!((home.digest(), roster(&home)), (digest.clone(), before.clone()));
        let run = queries::run(&home.db, &review()).expect("reads").expect("there");
        assert!(run.locked_at.is_some());
        assert_eq!(run.layout.as_ref(), Some(&layout));
        let room = queries::conference(&home.db, &review())
            .expect("reads")
            .expect("there");
        assert_eq!(room.role_of(&before[0]), Role::Moderator);
        home.ok(system(), by_alice(Act::Admit(ParticipantId(2))));
        assert!(roster(&home)[1].standing.waiting.is_none());
        home.ok(system(), by_alice(Act::End));
        assert!(roster(&home).is_empty());
    }
}

#[test]
fn the_podium_is_found_and_kept_by_the_rows() {
    let mut home = with_room();
    home.ok(by("bob"), run_as(podium()));
    home.ok(system(), enter(1, account("alice")));
    home.ok(system(), enter(2, account("bob")));
    let on = |home: &Home| {
        let on: Vec<u64> = roster(home)
            .iter()
            .filter(|one| one.standing.podium.is_some())
            .map(|one| one.id.0)
            .collect();
        on
    };
    assert_eq!(on(&home), [1]);
    home.now += 3_000;
    home.ok(system(), speaks(2));
    assert_eq!(on(&home), [2]);
    home.reopen();
    home.now += 3_000;
    home.ok(system(), speaks(1));
    assert_eq!(on(&home), [1]);
}

#[test]
fn who_lectures_is_there_after_a_restart_and_in_a_snapshot() {
    let mut home = with_room();
    let lecture = SettingsPatch {
        mode: Some(Mode::Lecture),
        lecturers: Some(vec![name("alice")]),
        ..SettingsPatch::default()
    };
    home.ok(by("bob"), run_as(lecture));
    for (number, who) in [(1, "bob"), (2, "alice"), (3, "bob")] {
        home.ok(system(), enter(number, account(who)));
    }
    home.ok(by("bob"), act_by_owner(Act::HandLecture(ParticipantId(3))));
    home.reopen();
    let copy = home.copied();
    for home in [home, copy] {
        let room = queries::conference(&home.db, &review())
            .expect("reads")
            .expect("there");
        assert!(room.settings.invited.contains_key(&name("alice")));
        let lecture = |one: &conference::Participant| room.lectures(one);
        assert_eq!(
            roster(&home).iter().map(lecture).collect::<Vec<_>>(),
            [false, false, true]
        );
    }
}

fn invitation_of(home: &Home, id: u64) -> Option<Invited> {
    let found = queries::participant(&home.db, &review(), ParticipantId(id)).expect("reads");
    let invitation = found.expect("there").standing.invitation;
    invitation.map(|invitation| invitation.state)
}

#[test]
fn an_invitation_and_an_own_layout_are_there_after_a_restart_and_it_ends_in_time() {
    let mut home = with_room();
    let role_based = SettingsPatch {
        mode: Some(Mode::RoleBased),
        ..SettingsPatch::default()
    };
    home.ok(by("bob"), run_as(role_based));
    home.ok(system(), enter(1, account("alice")));
    home.ok(by("bob"), act_by_owner(Act::InviteToPodium(ParticipantId(1))));
    let own = Layout {
        arrangement: Arrangement::Alone,
        locked: true,
        slots: vec![Slot::Speaker],
        ..Layout::default()
    };
    let set = Act::SetLayoutOf(ParticipantId(1), own.clone());
    home.ok(by("bob"), act_by_owner(set));
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for mut home in [home, copy] {
        assert_eq!(home.digest(), digest);
        assert_eq!(invitation_of(&home, 1), Some(Invited::Asked));
        let kept = roster(&home).first().and_then(|one| one.layout.clone());
        assert_eq!(kept.as_ref(), Some(&own));
        assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
        home.now += conference::INVITATION_MS + 1;
        assert!(queries::needs_sweep(&home.db, home.now()).expect("reads"));
        home.ok(system(), Meeting::Sweep);
        assert_eq!(invitation_of(&home, 1), Some(Invited::Missed));
        assert!(!queries::needs_sweep(&home.db, home.now()).expect("reads"));
    }
}

#[test]
fn a_state_from_before_there_were_invitations_is_opened() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("alice")));
    forget_addresses(&home.db);
    let digest = home.digest();
    before_moderation(&home.db);
    home.db.pragma_update(None, "user_version", 12).expect("writes");
    home.reopen();
    assert_eq!(home.digest(), digest);
    let role_based = SettingsPatch {
        mode: Some(Mode::RoleBased),
        ..SettingsPatch::default()
    };
    home.ok(by("bob"), run_as(role_based));
    home.ok(by("bob"), act_by_owner(Act::InviteToPodium(ParticipantId(1))));
    assert_eq!(invitation_of(&home, 1), Some(Invited::Asked));
}

#[test]
fn names_of_removed_accounts_are_in_no_list() {
    let mut home = with_room();
    home.ok(by("bob"), run_as(strict()));
    let delete = Change::DeleteUser {
        id: name("alice"),
        expect: None,
    };
    home.ok(by("root"), delete);
    let room = queries::conference(&home.db, &review())
        .expect("reads")
        .expect("there");
    assert!(room.settings.moderators.is_empty());
    assert_eq!(home.count("conference_people"), 0);
}

#[test]
fn a_state_from_before_there_were_gates_is_opened() {
    let mut home = with_room();
    home.ok(system(), enter(1, account("alice")));
    // As the version before left it.
    before_schedules(&home.db);
    home.db
        .execute_batch(
            "DROP TABLE conference_people; DROP TABLE pin_attempts; DROP INDEX participants_on_podium;
             DROP INDEX runs_going_on; DROP INDEX runs_alone;
             ALTER TABLE runs DROP COLUMN locked_at; ALTER TABLE runs DROP COLUMN alone_since;
             ALTER TABLE runs DROP COLUMN ended_at; ALTER TABLE runs DROP COLUMN ended_why;
             ALTER TABLE participants DROP COLUMN podium; ALTER TABLE participants DROP COLUMN standing;
             ALTER TABLE guests DROP COLUMN source; PRAGMA user_version = 4",
        )
        .expect("writes");
    home.reopen();
    assert_eq!(roster(&home).len(), 1);
    home.ok(by("bob"), run_as(strict()));
    home.ok(system(), with_pin(2, "root", "4711"));
    assert_eq!(roster(&home).len(), 2);
}

fn panel() -> SettingsPatch {
    let layout = Layout {
        slots: vec![Slot::Automatic],
        ..Layout::default()
    };
    SettingsPatch {
        layouts: Some(vec![conference::KeptLayout {
            name: "Panel".into(),
            layout,
            people: [(0, name("alice"))].into(),
        }]),
        ..SettingsPatch::default()
    }
}

#[test]
fn who_has_a_place_in_a_kept_layout_is_found_and_forgotten_with_the_account() {
    let mut home = with_room();
    home.ok(by("bob"), run_as(panel()));
    home.ok(system(), enter(1, account("bob")));
    let layout = Layout {
        kept: Some("Panel".into()),
        ..Layout::default()
    };
    home.ok(by("bob"), act_by_owner(Act::SetLayout(layout)));
    home.ok(system(), enter(2, account("alice")));
    home.reopen();
    let digest = home.digest();
    assert_eq!((home.count("layout_people"), home.copied().digest()), (1, digest));
    let shown = |home: &Home| {
        let run = queries::run(&home.db, &review())
            .expect("reads")
            .expect("it is on");
        run.layout.expect("it is shown").slots
    };
    assert_eq!(shown(&home), [Slot::Person(ParticipantId(2))]);
    let delete = Change::DeleteUser {
        id: name("alice"),
        expect: None,
    };
    home.ok(by("root"), delete);
    assert_eq!(home.count("layout_people"), 0);
    let found = queries::conference(&home.db, &review()).expect("reads");
    assert!(found.expect("there").settings.layouts[0].people.is_empty());
}

#[test]
fn a_state_from_before_people_were_in_kept_layouts_is_opened() {
    let mut home = with_room();
    before_layout_people(&home.db);
    home.db.pragma_update(None, "user_version", 18).expect("writes");
    home.reopen();
    home.ok(by("bob"), run_as(panel()));
    assert_eq!(home.count("layout_people"), 1);
}

fn from_oslo(id: u64, who: &str) -> Meeting {
    let user = format!("{who}@oslo.example.net").parse().expect("good");
    let mut change = enter(id, conference::Person::Federated(user));
    if let Meeting::Enter { name, .. } = &mut change {
        *name = Some("Somebody".into());
    }
    change
}

fn put_partner(server: &str, terms: Option<PartnerTerms>) -> Change {
    Change::PutPartner {
        server: name(server),
        expect: None,
        partner: NewPartner {
            terms,
            ..NewPartner::default()
        },
    }
}

#[test]
fn terms_with_a_partner_hold_for_who_of_its_people_is_there() {
    let mut home = with_room();
    home.ok(system(), from_oslo(1, "olav"));
    let may_show = |home: &Home, id: u64| {
        let roster = queries::roster(&home.db, &review()).expect("reads");
        let one = roster
            .iter()
            .find(|one| one.id == ParticipantId(id))
            .expect("there");
        !one.standing.screenless
    };
    assert!(may_show(&home, 1));
    let without = PartnerTerms {
        content: false,
        participants: Some(1),
        ..PartnerTerms::default()
    };
    home.ok(
        by("root"),
        put_partner("bergen.example.org", Some(without.clone())),
    );
    assert!(may_show(&home, 1), "those are others");
    home.ok(by("root"), put_partner("oslo.example.net", Some(without.clone())));
    assert!(!may_show(&home, 1));
    assert_eq!(
        code(home.run(plain(system(), from_oslo(2, "liv")))),
        "partner-full"
    );
    home.ok(by("root"), put_partner("oslo.example.net", None));
    assert!(may_show(&home, 1), "the usual ones hold");
    home.ok(system(), from_oslo(2, "liv"));
    let usual = |terms: PartnerTerms| Change::UpdateSettings {
        expect: None,
        patch: plenary_access::SettingsPatch {
            partner_terms: Some(terms),
            ..Default::default()
        },
    };
    home.ok(by("root"), usual(without));
    assert!(!may_show(&home, 1) && !may_show(&home, 2));
    home.ok(
        by("root"),
        put_partner("oslo.example.net", Some(PartnerTerms::default())),
    );
    assert!(may_show(&home, 1) && may_show(&home, 2));
    let remove = Change::RemovePartner {
        server: name("oslo.example.net"),
        expect: None,
    };
    home.ok(by("root"), remove);
    assert!(!may_show(&home, 1));
}
