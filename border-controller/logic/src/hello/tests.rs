use super::*;
use proptest::{collection::vec, prelude::*};

const MOST: usize = 16 << 10;

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes(), bytes].concat()
}

/// The extension that names a host.
fn named(name: &str) -> Vec<u8> {
    let entry = [&[NAME_TYPE_HOST][..], &with_length(name.as_bytes())].concat();
    [&[0, 0][..], &with_length(&with_length(&entry))].concat()
}

/// A ClientHello with these extensions, as a handshake message.
fn hello(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([32].iter().chain(&[9; 32]));
    body.extend(with_length(&[0x13, 0x01, 0x13, 0x02]));
    body.extend([1, 0]);
    body.extend(with_length(extensions));
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[CLIENT_HELLO][..], &length[1..], &body].concat()
}

/// The message in records of at most so many bytes.
fn records(message: &[u8], each: usize) -> Vec<u8> {
    let parts = message.chunks(each);
    let records = parts.map(|part| [&[CONTENT_HANDSHAKE, 3, 1][..], &with_length(part)].concat());
    records.collect::<Vec<_>>().concat()
}

fn meet() -> HostName {
    "meet.example.com".parse().expect("good")
}

#[test]
fn the_name_is_found_between_other_extensions_and_in_lower_case() {
    let other = [&[0, 43][..], &with_length(&[2, 3, 4])].concat();
    let message = hello(&[other.clone(), named("Meet.Example.com"), other].concat());
    for each in [message.len(), 40, 20] {
        assert_eq!(
            read(&records(&message, each), MOST),
            Ok(Hello::Names(meet())),
            "{each}"
        );
    }
}

#[test]
fn what_comes_piece_by_piece_is_waited_for() {
    let bytes = records(&hello(&named("meet.example.com")), 50);
    for length in 0..bytes.len() {
        match read(&bytes[..length], MOST) {
            Ok(Hello::Needs(needed)) => assert!(length < needed && needed <= bytes.len()),
            other => panic!("{length}: {other:?}"),
        }
    }
    assert_eq!(read(&bytes, MOST), Ok(Hello::Names(meet())));
}

#[test]
fn who_names_nothing_and_who_names_an_address_are_told_apart() {
    assert_eq!(read(&records(&hello(&[]), MOST), MOST), Ok(Hello::Nameless));
    let address = read(&records(&hello(&named("192.0.2.1")), MOST), MOST);
    assert_eq!(address, Err(HelloFault::Malformed));
}

#[test]
fn two_names_are_none() {
    let twice = [named("meet.example.com"), named("admin.example.com")].concat();
    assert_eq!(
        read(&records(&hello(&twice), MOST), MOST),
        Err(HelloFault::Malformed)
    );
}

#[test]
fn other_protocols_are_told_by_their_first_bytes() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"SSH-2.0-x",
        &[0x80, 0x2e, 1, 0, 2],
        &[22, 2],
        &[23],
    ] {
        assert_eq!(read(bytes, MOST), Err(HelloFault::NotTls), "{bytes:?}");
    }
    let server_hello = records(&[2, 0, 0, 4, 0, 0, 0, 0], MOST);
    assert_eq!(read(&server_hello, MOST), Err(HelloFault::NotTls));
}

#[test]
fn what_is_too_long_is_refused_as_soon_as_it_says_so() {
    let claims = [CONTENT_HANDSHAKE, 3, 1, 0x40, 0, CLIENT_HELLO, 0, 0x50, 0];
    assert_eq!(read(&claims, MOST), Err(HelloFault::TooLong));
    assert_eq!(read(&claims, 32 << 10), Ok(Hello::Needs(5 + 0x4000)));
    let many = records(&hello(&named("meet.example.com")), 2);
    assert_eq!(read(&many, MOST), Err(HelloFault::TooLong), "too many records");
    assert_eq!(
        read(&[CONTENT_HANDSHAKE, 3, 1, 0, 0], MOST),
        Err(HelloFault::Malformed)
    );
}

#[test]
fn nothing_follows_in_the_same_record() {
    let message = [hello(&named("meet.example.com")), vec![20, 0, 0, 0]].concat();
    assert_eq!(read(&records(&message, MOST), MOST), Err(HelloFault::Malformed));
    // What comes in the next one is not our matter: early data, for one.
    let next = [
        records(&hello(&named("meet.example.com")), MOST),
        vec![23, 3, 3, 0, 1, 7],
    ]
    .concat();
    assert_eq!(read(&next, MOST), Ok(Hello::Names(meet())));
}

proptest! {
    #[test]
    fn foreign_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..400)) {
        crate::fuzz(&bytes);
    }

    #[test]
    fn a_changed_hello_does_no_harm(
        at in 0_usize..200, to: u8, each in 1_usize..200, cut in 0_usize..300,
    ) {
        let mut bytes = records(&hello(&named("meet.example.com")), each);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        bytes.truncate(cut);
        crate::fuzz(&bytes);
    }

    #[test]
    fn lengths_that_are_claimed_cost_nothing(claimed in vec(any::<u8>(), 4), most in 0_usize..70_000) {
        let message = [&[CLIENT_HELLO][..], &claimed].concat();
        if let Ok(Hello::Needs(needed)) = read(&records(&message, MOST), most) {
            prop_assert!(needed <= RECORD_HEADER + LONGEST_RECORD + 16);
        }
    }
}
