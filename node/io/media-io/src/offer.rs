//! What an offer of a stranger may be, before anything parses it.

/// Lines of media: 3 for audio, 49 for video, one for content, and one for data.
pub(crate) const MEDIA_LINES: usize = 54;
/// Longest offer in bytes.
pub(crate) const BYTES: usize = 256 << 10;
/// Lines in all: a line of media of a browser has up to 80.
const LINES: usize = 8_000;
const LONGEST_LINE: usize = 4_096;

/// Says why an offer is not even read.
pub(crate) fn check(offer: &str) -> Result<(), String> {
    if offer.len() > BYTES {
        return Err(format!("it has more than {BYTES} bytes"));
    }
    let (mut lines, mut media) = (0, 0);
    for line in offer.lines() {
        lines += 1;
        media += usize::from(line.starts_with("m="));
        if line.len() > LONGEST_LINE {
            return Err(format!("a line of it has more than {LONGEST_LINE} bytes"));
        }
    }
    if media > MEDIA_LINES {
        return Err(format!(
            "it has {media} lines of media; at most {MEDIA_LINES} are taken"
        ));
    }
    if lines > LINES {
        return Err(format!("it has more than {LINES} lines"));
    }
    Ok(())
}

/// The offer without the client's candidates. This side answers checks and never sends one, so that nobody can make it
/// send anything to an address of their choice; and what is not needed is not kept.
pub(crate) fn without_candidates(offer: &str) -> String {
    let mut kept = String::with_capacity(offer.len());
    for line in offer.lines() {
        if !line.starts_with("a=candidate:") {
            kept.push_str(line.trim_end());
            kept.push_str("\r\n");
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_bounded() {
        assert!(check("v=0\r\nm=audio 9 X 111\r\n").is_ok());
        assert!(check(&"m=video 9 X 96\r\n".repeat(5_000)).is_err());
        assert!(check(&"a=x\r\n".repeat(9_000)).is_err());
        assert!(check(&"x".repeat(5_000)).is_err());
        assert!(check(&"a=x\r\n".repeat(250_000)).is_err());
    }

    #[test]
    fn candidates_of_clients_are_left_out() {
        let offer = "v=0\r\na=candidate:1 1 UDP 1 10.0.0.1 80 typ host\r\nm=audio 9 X 111\n";
        assert_eq!(without_candidates(offer), "v=0\r\nm=audio 9 X 111\r\n");
    }
}
