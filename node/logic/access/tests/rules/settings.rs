use crate::world::*;
use plenary_access::*;

fn set(patch: SettingsPatch) -> Change {
    Change::UpdateSettings { expect: None, patch }
}

fn lockout(duration_s: u64, attempts: u32, window_s: u64) -> SettingsPatch {
    SettingsPatch {
        lockout: Some(LockoutPolicy {
            enabled: true,
            duration_s,
            attempts,
            window_s,
        }),
        ..SettingsPatch::default()
    }
}

fn password(min_length: u8) -> SettingsPatch {
    SettingsPatch {
        password: Some(PasswordPolicy {
            min_length,
            ..PasswordPolicy::default()
        }),
        ..SettingsPatch::default()
    }
}

fn lifetime(lifetime_days: u32) -> SettingsPatch {
    SettingsPatch {
        sessions: Some(SessionPolicy { lifetime_days }),
        ..SettingsPatch::default()
    }
}

fn networks(texts: &[&str]) -> SettingsPatch {
    SettingsPatch {
        admin_access: Some(AdminAccess {
            networks: texts.iter().map(|text| (*text).to_owned()).collect(),
        }),
        ..SettingsPatch::default()
    }
}

fn front_page(title: &str, help: &str) -> SettingsPatch {
    SettingsPatch {
        front_page: Some(FrontPage {
            title: title.into(),
            help: help.into(),
            contacts: String::new(),
            guide: String::new(),
        }),
        ..SettingsPatch::default()
    }
}

#[test]
fn every_setting_has_its_range() {
    let many = vec!["10.0.0.0/8"; 257];
    let bad = [
        (password(1), "password.min_length"),
        (password(65), "password.min_length"),
        (lockout(59, 5, 60), "lockout.duration_s"),
        (lockout(365 * 86_400 + 1, 5, 60), "lockout.duration_s"),
        (lockout(u64::MAX, 5, 60), "lockout.duration_s"),
        (lockout(60, 0, 60), "lockout.attempts"),
        (lockout(60, 101, 60), "lockout.attempts"),
        (lockout(60, 1, 59), "lockout.window_s"),
        (lockout(60, 1, 30 * 86_400 + 1), "lockout.window_s"),
        (lifetime(0), "sessions.lifetime_days"),
        (lifetime(3_651), "sessions.lifetime_days"),
        (networks(&[]), "admin_access.networks"),
        (networks(&many), "admin_access.networks"),
        (networks(&["10.0.0.0/8", "everywhere"]), "admin_access.networks"),
        (networks(&["10.0.0.0/33"]), "admin_access.networks"),
        (networks(&["::/129"]), "admin_access.networks"),
        (networks(&["10.0.0.0/+8"]), "admin_access.networks"),
        (networks(&["10.0.0.0/"]), "admin_access.networks"),
        (front_page(&"x".repeat(129), ""), "front_page.title"),
        (front_page("a\nb", ""), "front_page.title"),
        (front_page("", &"x".repeat(2_001)), "front_page.help"),
        (front_page("", "\u{7}"), "front_page.help"),
    ];
    let mut world = World::founded();
    for (patch, field) in bad {
        assert_eq!(world.bad_field(by("root"), set(patch)), field);
    }
    let good = [
        password(2),
        password(64),
        lockout(60, 1, 60),
        lockout(365 * 86_400, 100, 30 * 86_400),
        lifetime(1),
        lifetime(3_650),
        networks(&["0.0.0.0/0", "::/0", "192.0.2.7", "fd00::1"]),
        front_page(&"é".repeat(128), "two\nlines"),
    ];
    for patch in good {
        world.ok(by("root"), set(patch));
    }
    assert_eq!(world.settings.sessions.lifetime_days, 3_650);
    assert_eq!(world.settings.lockout.attempts, 100, "other sections stay");
}

#[test]
fn stale_settings_are_refused_and_changes_are_told() {
    let mut world = World::founded();
    let at = |expect| Change::UpdateSettings {
        expect: Some(expect),
        patch: password(10),
    };
    let first = world.settings.revision;
    world.ok(by("root"), at(first));
    assert!(matches!(
        world.refused(by("root"), at(first)),
        Refusal::Stale { .. }
    ));
    let event = world.events.last().expect("one");
    assert_eq!(event.changes.len(), 1);
    assert_eq!(event.changes[0].field, "password.min_length");
    assert_eq!(event.changes[0].before.as_deref(), Some("8"));
    assert_eq!(event.changes[0].after.as_deref(), Some("10"));
}
