//! Who is told of whom in a meeting, however large it is.

#![allow(clippy::unwrap_used)]

use plenary_signalling::meeting::{
    Counts, Listed, Listener, PAGE, Participant, ParticipantId, People, Role, Roster, TOLD, Via,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOBODY: BTreeSet<ParticipantId> = BTreeSet::new();

fn person(id: u64) -> Participant {
    Participant {
        id: ParticipantId(id),
        name: format!("Person {id}"),
        user: None,
        guest: false,
        via: Via::Browser,
        node: "node-1".into(),
        muted: false,
        camera: false,
        content: false,
        hand: None,
        reaction: None,
        joined_at: id,
        away: false,
        role: Role::default(),
        waiting: false,
        podium: None,
        pinned: false,
        remark: false,
        hushed: false,
        dimmed: false,
        covered: false,
        asked: None,
        own_layout: false,
        screenless: false,
        no_chat: None,
    }
}

/// So many people, the first of whom is a moderator.
fn crowd(count: u64) -> Vec<Participant> {
    let mut all: Vec<_> = (1..=count).map(person).collect();
    all[0].role = Role::Moderator;
    all
}

/// What a client makes of what it is told.
#[derive(Default)]
struct Client {
    rows: BTreeMap<ParticipantId, Participant>,
    counts: Counts,
}

impl Client {
    fn begin(&mut self, (rows, counts): (Vec<Participant>, Counts)) {
        self.rows = rows.into_iter().map(|one| (one.id, one)).collect();
        self.counts = counts;
    }

    fn hear(&mut self, roster: Roster) {
        for gone in &roster.gone {
            self.rows.remove(gone);
        }
        self.rows
            .extend(roster.participants.into_iter().map(|one| (one.id, one)));
        self.counts = roster.counts;
    }
}

#[test]
fn a_small_meeting_is_told_whole_and_then_only_what_changed() {
    let mut people = People::default();
    people.update(crowd(2), &NOBODY, true);
    let mut first = Listener::new(ParticipantId(1));
    assert_eq!(first.begin(&people).0.len(), 2);
    let mut now = crowd(3);
    (now[1].muted, now[2].camera) = (true, true);
    let news = people.update(now.clone(), &NOBODY, false);
    let told = first.news(&people, &news).unwrap();
    assert_eq!((told.participants, told.gone), (now[1..].to_vec(), vec![]));
    assert_eq!(told.counts.inside, 3);
    let news = people.update(now.clone(), &NOBODY, true);
    assert_eq!(first.news(&people, &news), None);
    now.remove(1);
    let news = people.update(now, &NOBODY, true);
    let told = first.news(&people, &news).unwrap();
    assert_eq!((told.participants, told.gone), (vec![], vec![ParticipantId(2)]));
    assert!(people.is_whole());
}

#[test]
fn of_two_thousand_all_hear_of_the_first_hundred_of_themselves_and_of_numbers() {
    let mut people = People::default();
    people.update(crowd(2_000), &NOBODY, true);
    let mut late = Listener::new(ParticipantId(1_999));
    let (told, counts) = late.begin(&people);
    assert_eq!((told.len(), counts.inside), (TOLD + 1, 2_000));
    // Who comes costs the others a number, and only when it is time for one.
    let mut now = crowd(2_001);
    let news = people.update(now.clone(), &NOBODY, false);
    assert_eq!(late.news(&people, &news), None);
    assert!(people.owes_counts());
    let news = people.update(now.clone(), &NOBODY, true);
    let told = late.news(&people, &news).unwrap();
    assert_eq!(
        (told.participants.len(), told.gone.len(), told.counts.inside),
        (0, 0, 2_001)
    );
    assert!(serde_json::to_string(&told).unwrap().len() < 100, "{told:?}");
    // Oneself is told at once, and nobody else of it.
    now[1_998].muted = true;
    let news = people.update(now.clone(), &NOBODY, false);
    assert_eq!(
        late.news(&people, &news).unwrap().participants,
        [now[1_998].clone()]
    );
    assert_eq!(Listener::new(ParticipantId(3)).news(&people, &news), None);
}

#[test]
fn who_is_given_the_podium_is_told_to_all_and_the_last_of_the_first_is_not_any_more() {
    let mut people = People::default();
    people.update(crowd(500), &NOBODY, true);
    let mut other = Listener::new(ParticipantId(300));
    other.begin(&people);
    let mut now = crowd(500);
    now[449].podium = Some(9);
    let news = people.update(now.clone(), &NOBODY, false);
    let told = other.news(&people, &news).unwrap();
    assert_eq!(told.participants, [now[449].clone()]);
    assert_eq!(told.gone, [ParticipantId(TOLD as u64)]);
    let speaks = BTreeSet::from([ParticipantId(222)]);
    let news = people.update(now, &speaks, false);
    assert_eq!(
        other.news(&people, &news).unwrap().participants[0].id,
        ParticipantId(222)
    );
}

#[test]
fn who_is_followed_is_told_until_they_are_not() {
    let mut people = People::default();
    let mut now = crowd(500);
    people.update(now.clone(), &NOBODY, true);
    let mut other = Listener::new(ParticipantId(300));
    other.begin(&people);
    other.follow([ParticipantId(400), ParticipantId(999)]);
    let news = people.update(now.clone(), &NOBODY, false);
    assert_eq!(
        other.news(&people, &news).unwrap().participants,
        [now[399].clone()]
    );
    now[399].camera = true;
    let news = people.update(now.clone(), &NOBODY, false);
    // With a camera they come before those without one: all are told, and so are they.
    assert_eq!(
        other.news(&people, &news).unwrap().participants,
        [now[399].clone()]
    );
    now[399].camera = false;
    let news = people.update(now.clone(), &NOBODY, false);
    let told = other.news(&people, &news).unwrap();
    assert!(told.participants.contains(&now[399]) && !told.gone.contains(&ParticipantId(400)));
    other.follow([]);
    let news = people.update(now.clone(), &NOBODY, false);
    assert_eq!(other.news(&people, &news).unwrap().gone, [ParticipantId(400)]);
}

#[test]
fn moderators_hear_of_those_who_wait_and_nobody_else_does() {
    let mut people = People::default();
    let mut now = crowd(3);
    now[2].waiting = true;
    people.update(now.clone(), &NOBODY, true);
    let (mut moderator, mut other) = (Listener::new(ParticipantId(1)), Listener::new(ParticipantId(2)));
    let (told, counts) = moderator.begin(&people);
    assert_eq!((told.len(), counts.waiting), (3, 1));
    let (told, counts) = other.begin(&people);
    assert_eq!((told.len(), counts.waiting, counts.inside), (2, 0, 2));
    now[1].role = Role::Moderator;
    let news = people.update(now.clone(), &NOBODY, true);
    assert_eq!(other.news(&people, &news).unwrap().participants.len(), 2);
    now[1].role = Role::Participant;
    let news = people.update(now.clone(), &NOBODY, true);
    assert_eq!(other.news(&people, &news).unwrap().gone, [ParticipantId(3)]);
}

fn all_of(people: &mut People, find: &str, from: u32) -> Listed {
    let mut listener = Listener::new(ParticipantId(1));
    listener.begin(people);
    listener.list(people, find, from)
}

#[test]
fn guests_learn_names_and_no_accounts() {
    let mut people = People::default();
    let mut now = crowd(3);
    now[1].guest = true;
    now[2].user = Some("secret".into());
    people.update(now.clone(), &NOBODY, true);
    let mut clerk = Listener::new(ParticipantId(1));
    let mut guest = Listener::new(ParticipantId(2));
    let user = |all: &[Participant]| {
        let one = all.iter().find(|one| one.id == ParticipantId(3)).unwrap();
        (one.user.clone(), one.node.clone())
    };
    let (known, hidden) = (
        (Some("secret".to_owned()), "node-1".to_owned()),
        (None, String::new()),
    );
    assert_eq!(user(&clerk.begin(&people).0), known);
    assert_eq!(user(&guest.begin(&people).0), hidden);
    assert_eq!(clerk.list(&mut people, "secret", 0).found, 1);
    assert_eq!(
        guest.list(&mut people, "secret", 0).found,
        0,
        "they cannot try names"
    );
    assert_eq!(user(&guest.list(&mut people, "person 3", 0).participants), hidden);
    now[2].camera = true;
    let news = people.update(now, &NOBODY, true);
    assert_eq!(user(&clerk.news(&people, &news).unwrap().participants), known);
    assert_eq!(user(&guest.news(&people, &news).unwrap().participants), hidden);
}

#[test]
fn the_list_has_hands_first_then_names_and_finds_by_name() {
    let mut people = People::default();
    let mut now = crowd(120);
    (now[80].hand, now[90].hand) = (Some(7), Some(5));
    now[70].name = "Élodie".into();
    people.update(now, &NOBODY, true);
    let page = all_of(&mut people, "", 0);
    let ids: Vec<u64> = page.participants.iter().map(|one| one.id.0).collect();
    assert_eq!((ids[0], ids[1], ids.len(), page.found), (91, 81, PAGE, 120));
    let last = all_of(&mut people, "", 100);
    assert_eq!((last.participants.len(), last.from), (20, 100));
    let found = all_of(&mut people, " éLO", 0);
    assert_eq!((found.found, found.participants[0].id.0), (1, 71));
    assert_eq!(all_of(&mut people, "", 5_000).participants, []);
}

#[derive(Debug, Clone)]
enum Step {
    Comes(u64),
    Goes(u64),
    Waits(u64, bool),
    Podium(u64, bool),
    Moderates(u64, bool),
    Camera(u64, bool),
    Speaks(u64),
    Follows(u64, Vec<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 1u64..260;
    prop_oneof![
        id.clone().prop_map(Step::Comes),
        id.clone().prop_map(Step::Goes),
        (id.clone(), any::<bool>()).prop_map(|(id, on)| Step::Waits(id, on)),
        (id.clone(), any::<bool>()).prop_map(|(id, on)| Step::Podium(id, on)),
        (id.clone(), any::<bool>()).prop_map(|(id, on)| Step::Moderates(id, on)),
        (id.clone(), any::<bool>()).prop_map(|(id, on)| Step::Camera(id, on)),
        id.clone().prop_map(Step::Speaks),
        (0u64..4, prop::collection::vec(id, 0..4)).prop_map(|(who, whom)| Step::Follows(who, whom)),
    ]
}

proptest! {
    /// Whatever happens, each client knows those who come first, itself, whom it follows, and how many there are.
    #[test]
    fn clients_know_what_they_should(
        size in 1u64..250,
        steps in prop::collection::vec((prop::collection::vec(step(), 0..4), any::<bool>()), 1..30),
    ) {
        let mut all: BTreeMap<u64, Participant> = crowd(size).into_iter().map(|one| (one.id.0, one)).collect();
        let mut people = People::default();
        people.update(all.values().cloned().collect(), &NOBODY, true);
        let watchers = [1, 2, 105, 249];
        let mut watching: BTreeMap<u64, (Listener, Client)> = BTreeMap::new();
        let mut follows: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (changes, count) in steps {
            let mut ahead = BTreeSet::new();
            for change in changes {
                match change {
                    Step::Comes(id) => { all.entry(id).or_insert_with(|| person(id)); }
                    Step::Goes(id) => { all.remove(&id); }
                    Step::Waits(id, on) => { all.entry(id).and_modify(|one| one.waiting = on); }
                    Step::Podium(id, on) => { all.entry(id).and_modify(|one| one.podium = on.then_some(1)); }
                    Step::Moderates(id, on) => {
                        let role = if on { Role::Moderator } else { Role::Participant };
                        all.entry(id).and_modify(|one| one.role = role);
                    }
                    Step::Camera(id, on) => { all.entry(id).and_modify(|one| one.camera = on); }
                    Step::Speaks(id) => { ahead.insert(ParticipantId(id)); }
                    Step::Follows(who, whom) => {
                        let who = watchers[who as usize];
                        if let Some((listener, _)) = watching.get_mut(&who) {
                            listener.follow(whom.iter().copied().map(ParticipantId));
                            follows.insert(who, whom);
                        }
                    }
                }
            }
            let news = people.update(all.values().cloned().collect(), &ahead, count);
            for own in watchers {
                let id = ParticipantId(own);
                if people.inside(id).is_none() {
                    watching.remove(&own);
                    follows.remove(&own);
                    continue;
                }
                match watching.get_mut(&own) {
                    Some((listener, client)) => {
                        if let Some(roster) = listener.news(&people, &news) {
                            prop_assert!(roster.participants.len() <= 2 * TOLD + 4);
                            client.hear(roster);
                        }
                    }
                    None => {
                        let mut listener = Listener::new(id);
                        let mut client = Client::default();
                        client.begin(listener.begin(&people));
                        watching.insert(own, (listener, client));
                    }
                }
                let client = &watching[&own].1;
                let moderates = all[&own].role > Role::Participant;
                let followed = follows.get(&own).cloned().unwrap_or_default();
                let mut waiting: Vec<_> = all.values().filter(|one| one.waiting).collect();
                waiting.sort_by_key(|one| (one.joined_at, one.id));
                let waiting = waiting.into_iter().take(if moderates { TOLD } else { 0 });
                let inside = all.values().filter(|one| {
                    !one.waiting && (people.is_told(one.id) || one.id == id || followed.contains(&one.id.0))
                });
                let known: BTreeMap<_, _> = inside.chain(waiting).map(|one| (one.id, one.clone())).collect();
                prop_assert_eq!(&client.rows, &known);
                if count {
                    let inside = all.values().filter(|one| !one.waiting).count();
                    prop_assert_eq!(client.counts.inside as usize, inside);
                    prop_assert!(!people.owes_counts());
                }
            }
        }
    }
}
