use crate::{Attach, Connection, Hello, Input, Limits, Station, Who};
use std::sync::Arc;

/// Gives foreign lines to a run, as what its client says; for fuzzers. Never returns anything but normally.
///
/// # Panics
/// Never by what the lines are.
pub fn fuzz(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    drop(Hello::parse(text));
    let who = Who {
        user: "alice".parse().expect("a name"),
        guest_of: None,
        admin: true,
        session: "1".into(),
    };
    let station = Station {
        server: "paris.example.com".parse().expect("a name"),
        node: "node-1".parse().expect("a name"),
    };
    let mut run = Connection::new(
        who,
        Arc::new(station),
        Arc::new(Limits::default()),
        "resume".into(),
    );
    let attach = Attach {
        last_seq: 0,
        nodes: Vec::new(),
    };
    run.handle(Input::Attach(attach), 0);
    for (now_ms, line) in (0..).zip(text.lines()) {
        run.handle(Input::Text(line), now_ms);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn foreign_lines_do_no_harm(
            text in "(\\{|\\}|\"(seq|ack|type|body|join|offer|show|sdp|room)\"|[:,]|[0-9]{1,20}|\\[|\\]|\n|.){0,80}"
        ) {
            super::fuzz(text.as_bytes());
        }
    }
}
