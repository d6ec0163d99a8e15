//! Forged chains: what a thief of one server's issuing key might try.

use super::*;
use crate::{
    EnterpriseCa, EnterpriseName, Program, Scope, ServerCa, authority::ia5, certificate::Wanted, key::Key,
    tls,
};
use plenary_model::NodeId;
use rcgen::{ExtendedKeyUsagePurpose, SanType};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

struct World {
    paris: ServerCa,
    oslo: ServerCa,
    key: Key,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("folder");
    let enterprise: EnterpriseName = "Demo".parse().expect("good");
    let root = EnterpriseCa::create(folder.path(), &enterprise).expect("root");
    let server = |name: &str| {
        root.certify(Program::Node, &name.parse().expect("good"), &[])
            .expect("issuers")
    };
    let (paris, oslo) = (server("paris.example.com"), server("oslo.example.com"));
    World {
        paris,
        oslo,
        key: Key::generate().expect("key"),
        _folder: folder,
    }
}

fn uri(text: impl fmt::Display) -> SanType {
    SanType::URI(ia5(&text.to_string()).expect("ASCII"))
}

fn node(scope: &Scope) -> ProgramName {
    scope.program_named("node-1".parse().expect("good"), NodeId(1))
}

fn wanted(names: Vec<SanType>, purposes: Vec<ExtendedKeyUsagePurpose>) -> Wanted {
    let now = SystemTime::now();
    let (organisation, common_name) = ("Demo".to_owned(), "forged".to_owned());
    Wanted {
        organisation,
        common_name,
        names,
        purposes,
        issuer: None,
        from: now,
        until: now + YEAR,
    }
}

fn both() -> Vec<ExtendedKeyUsagePurpose> {
    vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ]
}

fn signed(wanted: Wanted, key: &Key, by: &ServerCa) -> CertificateDer<'static> {
    wanted
        .signed_by(key, &by.programs.certificate, &by.programs.key)
        .expect("signed")
}

fn check(
    world: &World,
    leaf: &CertificateDer<'_>,
    others: &[&CertificateDer<'static>],
) -> Result<(), Refusal> {
    check_at(world, leaf, others, SystemTime::now())
}

fn check_at(
    world: &World,
    leaf: &CertificateDer<'_>,
    others: &[&CertificateDer<'static>],
    now: SystemTime,
) -> Result<(), Refusal> {
    let expected = vec![Expected::node_of(&world.paris.scope().server)];
    let trust = Trust::Root(world.paris.root.clone());
    let verifier = Verifier::new(trust, expected, Revocations::default(), &tls::provider());
    let others: Vec<_> = others.iter().map(|other| (*other).clone()).collect();
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).expect("after 1970"));
    verifier.check(leaf, &others, now).map(drop)
}

#[test]
fn a_proper_leaf_passes_with_and_without_the_root_behind_it() {
    let world = world();
    let leaf = signed(
        wanted(vec![uri(node(world.paris.scope()))], both()),
        &world.key,
        &world.paris,
    );
    check(&world, &leaf, &[&world.paris.programs.certificate]).expect("accepted");
    check(
        &world,
        &leaf,
        &[&world.paris.programs.certificate, &world.paris.root],
    )
    .expect("accepted");
}

#[test]
fn an_issuer_cannot_certify_beyond_its_scope() {
    let world = world();
    let leaf = signed(
        wanted(vec![uri(node(world.paris.scope()))], both()),
        &world.key,
        &world.oslo,
    );
    let refusal = check(&world, &leaf, &[&world.oslo.programs.certificate]).expect_err("refused");
    assert!(matches!(refusal, Refusal::OutOfScope { .. }), "{refusal}");
    // Naming the issuer of Paris as the one who signed does not help.
    let others = [
        &world.paris.programs.certificate,
        &world.oslo.programs.certificate,
    ];
    assert_eq!(
        check(&world, &leaf, &others).expect_err("refused"),
        Refusal::OtherEnterprise
    );
}

#[test]
fn an_issuer_cannot_make_further_issuers() {
    let world = world();
    let sub = Key::generate().expect("key");
    let mut issuer = wanted(vec![uri(world.paris.scope())], both());
    issuer.issuer = Some((0, None));
    let issuer = signed(issuer, &sub, &world.oslo);
    let leaf = wanted(vec![uri(node(world.paris.scope()))], both());
    let leaf = leaf.signed_by(&world.key, &issuer, &sub).expect("signed");
    let others = [&issuer, &world.oslo.programs.certificate];
    assert_eq!(
        check(&world, &leaf, &others).expect_err("refused"),
        Refusal::OtherEnterprise
    );
}

#[test]
fn a_program_cannot_certify_others() {
    let world = world();
    let thief = signed(
        wanted(vec![uri(node(world.paris.scope()))], both()),
        &world.key,
        &world.paris,
    );
    let leaf_key = Key::generate().expect("key");
    let leaf = wanted(vec![uri(node(world.paris.scope()))], both());
    let leaf = leaf.signed_by(&leaf_key, &thief, &world.key).expect("signed");
    for others in [
        vec![&thief, &world.paris.programs.certificate],
        vec![&world.paris.programs.certificate],
    ] {
        assert_eq!(
            check(&world, &leaf, &others).expect_err("refused"),
            Refusal::OtherEnterprise
        );
    }
}

#[test]
fn web_issuers_cannot_certify_programs() {
    let world = world();
    let leaf = wanted(vec![uri(node(world.paris.scope()))], both());
    let leaf = leaf
        .signed_by(&world.key, &world.paris.web.certificate, &world.paris.web.key)
        .expect("signed");
    let refusal = check(&world, &leaf, &[&world.paris.web.certificate]).expect_err("refused");
    assert!(matches!(refusal, Refusal::NotAProgram(_)), "{refusal}");
}

#[test]
fn a_leaf_must_be_exactly_one_program_for_both_ends() {
    let world = world();
    let good = || uri(node(world.paris.scope()));
    let dns = || SanType::DnsName(ia5("paris.example.com").expect("ASCII"));
    let only = |purpose| vec![purpose];
    for (names, purposes) in [
        (vec![], both()),
        (vec![dns()], both()),
        (vec![good(), dns()], both()),
        (vec![good(), good()], both()),
        (vec![uri("plenary://Demo/node/paris.example.com")], both()),
        (vec![uri("https://paris.example.com/")], both()),
        (vec![good()], only(ExtendedKeyUsagePurpose::ServerAuth)),
        (vec![good()], only(ExtendedKeyUsagePurpose::ClientAuth)),
        (vec![good()], vec![]),
    ] {
        let leaf = signed(wanted(names.clone(), purposes.clone()), &world.key, &world.paris);
        let refusal = check(&world, &leaf, &[&world.paris.programs.certificate]).expect_err("refused");
        assert!(
            matches!(refusal, Refusal::NotAProgram(_)),
            "{names:?} {purposes:?}: {refusal}"
        );
    }
}

#[test]
fn the_times_of_leaf_and_issuer_both_count() {
    let world = world();
    let leaf = signed(
        wanted(vec![uri(node(world.paris.scope()))], both()),
        &world.key,
        &world.paris,
    );
    let others = [&world.paris.programs.certificate];
    let now = SystemTime::now();
    let at = |time| check_at(&world, &leaf, &others, time);
    at(now - Duration::from_secs(200)).expect("clocks may differ a little");
    assert!(matches!(
        at(now - Duration::from_secs(3600)),
        Err(Refusal::NotYetValid { .. })
    ));
    assert!(matches!(at(now + 2 * YEAR), Err(Refusal::Expired { who, .. }) if who.contains("node-1")));
    let late = at(now + 6 * YEAR).expect_err("the issuer is over");
    assert!(matches!(late, Refusal::Expired { who, .. } if who == world.paris.scope().to_string()));
}

#[test]
fn garbage_is_refused_without_panic() {
    let world = world();
    let leaf = signed(
        wanted(vec![uri(node(world.paris.scope()))], both()),
        &world.key,
        &world.paris,
    );
    let issuer = &world.paris.programs.certificate;
    assert_eq!(check(&world, &leaf, &[]).expect_err("refused"), Refusal::NoIssuer);
    for position in 0..leaf.len() {
        let mut changed = leaf.to_vec();
        changed[position] ^= 0x55;
        assert!(
            check(&world, &changed.into(), &[issuer]).is_err(),
            "byte {position}"
        );
        assert!(
            check(&world, &leaf[..position].into(), &[issuer]).is_err(),
            "first {position} bytes"
        );
        let mut changed = issuer.to_vec();
        changed[position % issuer.len()] ^= 0x55;
        assert!(
            check(&world, &leaf, &[&changed.into()]).is_err(),
            "issuer's byte {position}"
        );
    }
    let mut longer = leaf.to_vec();
    longer.push(0);
    assert!(check(&world, &longer.into(), &[issuer]).is_err());
}

#[test]
fn an_issuer_that_is_over_makes_no_certificates() {
    let world = world();
    let now = SystemTime::now();
    let who = node(world.paris.scope());
    assert!(world.paris.expires() > now + 4 * YEAR);
    let error = world
        .paris
        .issue(&who, &world.key, now + 6 * YEAR, YEAR)
        .expect_err("over");
    assert!(error.to_string().contains("root key"), "{error}");
    // Shortly before, what it makes ends with it.
    let late = world
        .paris
        .issue(&who, &world.key, world.paris.expires() - YEAR / 365, YEAR)
        .expect("made");
    assert_eq!(Facts::read(&late).expect("read").until, world.paris.expires());
}
