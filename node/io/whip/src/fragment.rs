//! Fragments of SDP that carry candidates and credentials (RFC 8840, RFC 9725 §4.3).

/// What a client says of its ICE session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

impl Fragment {
    /// RFC 8839 §5.4: 4 to 256 characters of `ice-char` for the name, 22 to 256 for the password.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let find = |key: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(key));
        let ufrag = find("a=ice-ufrag:").ok_or("it has no a=ice-ufrag")?;
        let pwd = find("a=ice-pwd:").ok_or("it has no a=ice-pwd")?;
        let is_ice = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        };
        if !(4..=256).contains(&ufrag.len()) || !is_ice(ufrag) {
            return Err("a=ice-ufrag must have 4 to 256 letters, digits, + or /");
        }
        if !(22..=256).contains(&pwd.len()) || !is_ice(pwd) {
            return Err("a=ice-pwd must have 22 to 256 letters, digits, + or /");
        }
        Ok(Self {
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
        })
    }
}

/// The part of an answer that a client needs after a restart: credentials and candidates of the first line.
pub(crate) fn of_answer(answer: &str) -> String {
    let wanted = [
        "a=ice-lite",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=candidate:",
        "a=end-of-candidates",
        "a=mid:",
    ];
    let mut fragment = String::new();
    let mut lines_of_media = 0;
    for line in answer.lines() {
        lines_of_media += usize::from(line.starts_with("m="));
        if lines_of_media > 1 {
            break;
        }
        if line.starts_with("m=") || wanted.iter().any(|start| line.starts_with(start)) {
            fragment.push_str(line.trim_end());
            fragment.push_str("\r\n");
        }
    }
    fragment
}

/// Gives foreign bytes to all that reads fragments and answers; for fuzzers.
pub fn fuzz_fragment(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(Fragment::read(text));
        drop(of_answer(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_bounded() {
        let whole = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=candidate:1 1 UDP 1 192.0.2.1 4 typ host\r\n";
        let fragment = Fragment::read(whole).expect("both are there");
        assert_eq!(fragment.ufrag, "EsAw");
        for bad in [
            "",
            "a=ice-ufrag:EsAw",
            "a=ice-ufrag:Es\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
            "a=ice-ufrag:EsAw\r\na=ice-pwd:short",
            "a=ice-ufrag:Es w\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
        ] {
            assert!(Fragment::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_answer_is_cut_to_its_first_line_of_media() {
        let answer = "v=0\r\na=ice-lite\r\nm=audio 9 X 111\r\na=mid:0\r\na=ice-ufrag:u\r\na=rtpmap:111 opus\r\nm=video 9 X\r\na=mid:1\r\n";
        assert_eq!(
            of_answer(answer),
            "a=ice-lite\r\nm=audio 9 X 111\r\na=mid:0\r\na=ice-ufrag:u\r\n"
        );
    }
}
