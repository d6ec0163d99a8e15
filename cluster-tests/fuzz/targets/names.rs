//! Names that strangers and partners give: of servers, people, groups, conferences and hosts.
#![no_main]

use plenary_border::HostName;
use plenary_identity::{EnterpriseName, WebName};
use plenary_model::{
    AliasName, CallString, Cid, Fingerprint, GroupId, GuestId, NodeName, ServerMask, ServerName, UserId,
    UserName,
};
use std::{fmt::Display, str::FromStr};

/// What is read is written in a form that is read as the same, and as itself.
fn same<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    let written = read.to_string();
    let again: Option<T> = written.parse().ok();
    assert!(again.as_ref() == Some(&read), "{text:?} is written {written:?}");
    assert_eq!(again.map(|again| again.to_string()), Some(written));
    Some(read)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    let server = same::<ServerName>(first);
    if let Some(server) = &server {
        // What a certificate and a client's hello can name is the same, but for numbers as the last part.
        let is_host = server.as_str().parse::<HostName>().is_ok();
        let last = server.as_str().rsplit('.').next().unwrap_or_default();
        assert!(is_host || last.bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let (Some(server), Some(mask)) = (&server, same::<ServerMask>(second)) {
        mask.matches(server);
        if let Some(exact) = same::<ServerMask>(server.as_str()) {
            assert!(exact.matches(server), "each server is like itself");
        }
    }
    same::<HostName>(first);
    same::<WebName>(first);
    same::<UserName>(first);
    same::<UserId>(first);
    same::<GuestId>(first);
    same::<Cid>(first);
    same::<AliasName>(first);
    same::<GroupId>(first);
    same::<NodeName>(first);
    same::<EnterpriseName>(first);
    same::<Fingerprint>(first);
    if let Some(call) = same::<CallString>(first) {
        call.kind();
    }
});
