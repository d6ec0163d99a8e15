//! What an answer says beside what str0m does.

use plenary_media::Kbps;
use std::fmt::Write as _;

/// Of what somebody may send, for sounds.
const SOUNDS: u32 = 48;
/// A picture with less than this is none.
const LEAST: u32 = 32;

/// An answer that tells a publisher how much it may send (RFC 4566 §5.8, RFC 3890): browsers keep to it. For each line of
/// pictures, as mostly one of them is in use; together they are kept to the limit by what is forwarded.
pub fn limited(answer: &str, send: Kbps) -> String {
    let kbps = send.0.saturating_sub(SOUNDS).max(LEAST);
    let mut limited = String::with_capacity(answer.len() + 128);
    let mut owed = false;
    for line in answer.lines() {
        if owed && line.starts_with("a=") {
            // Writing to a string does not fail.
            write!(limited, "b=AS:{kbps}\r\nb=TIAS:{}\r\n", u64::from(kbps) * 1_000).ok();
            owed = false;
        }
        owed = (owed && !line.starts_with("m=")) || line.starts_with("m=video ");
        limited.push_str(line);
        limited.push_str("\r\n");
    }
    limited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_limited_and_sounds_are_not() {
        let answer = "v=0\r\ns=-\r\nm=audio 9 X 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\nm=video 9 X 96\r\n\
                      c=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\nm=video 0 X 96\r\na=mid:2\r\n";
        let wanted = "v=0\r\ns=-\r\nm=audio 9 X 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\nm=video 9 X 96\r\n\
                      c=IN IP4 0.0.0.0\r\nb=AS:952\r\nb=TIAS:952000\r\na=mid:1\r\na=recvonly\r\n\
                      m=video 0 X 96\r\nb=AS:952\r\nb=TIAS:952000\r\na=mid:2\r\n";
        assert_eq!(limited(answer, Kbps(1_000)), wanted);
        assert!(limited(answer, Kbps(10)).contains("b=AS:32\r\n"));
    }
}
