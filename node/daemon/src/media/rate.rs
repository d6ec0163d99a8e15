//! How many pictures a second a program is to send (CONF-10).

use crate::server::Server;
use plenary_model::Cid;
use plenary_store::queries;
use std::fmt::Write as _;

/// The most that a conference takes; 0: there is no limit.
pub(crate) async fn camera_fps(server: &Server, cid: &Cid) -> u8 {
    let cid = cid.clone();
    let found = server.query(move |db| queries::conference(db, &cid)).await;
    let found = found.ok().flatten();
    found.map_or(0, |conference| conference.settings.quality.camera_fps)
}

/// An answer that names the most (RFC 8866 §6.13), on each line of pictures; 0: there is no limit.
pub(crate) fn with_rate(answer: String, fps: u8) -> String {
    if fps == 0 {
        return answer;
    }
    let mut told = String::with_capacity(answer.len() + 64);
    let mut owed = false;
    for line in answer.lines() {
        if owed && line.starts_with("a=") {
            // Writing to a string does not fail.
            write!(told, "a=framerate:{fps}\r\n").ok();
            owed = false;
        }
        owed = (owed && !line.starts_with("m=")) || line.starts_with("m=video ");
        told.push_str(line);
        told.push_str("\r\n");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_pictures_say_how_many_a_second() {
        let answer = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\nm=video 9 X 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n";
        let wanted = answer.replace("a=mid:1", "a=framerate:15\r\na=mid:1");
        assert_eq!(with_rate(answer.to_owned(), 15), wanted);
        assert_eq!(with_rate(answer.to_owned(), 0), answer);
    }
}
