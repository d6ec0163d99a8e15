//! Media with stacks that are not ours: cluster-tests/interop.

use crate::{
    packages, python,
    server::Server,
    steps::{root, step},
};
use anyhow::{Context as _, bail};
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// One version each, for runs that can be repeated.
const AIORTC: &str = "aiortc==1.16.0 aiohttp==3.14.5 numpy==2.4.6";
/// GStreamer with what publishes and watches, and its bindings for the Python of Debian.
const GSTREAMER: [&str; 8] = [
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-nice",
    "gstreamer1.0-libav",
    "python3-gi",
    "gir1.2-gst-plugins-bad-1.0",
];
/// Not one of pyenv or the like: the bindings are Debian's.
const PYTHON: &str = "/usr/bin/python3";
/// Seconds after which a server believes those gone who are known by STUN alone, and some more.
const LONGER: &str = "19";
/// Fails where something of it is missing.
const HAS_GSTREAMER: &str = "
import gi
for name in ('Gst', 'GstSdp', 'GstWebRTC'): gi.require_version(name, '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
for name in ('webrtcbin', 'nicesrc', 'dtlsdec', 'srtpenc', 'rtpvp8pay', 'vp8enc', 'x264enc', 'h264parse', 'opusenc', \
             'videotestsrc', 'avdec_h264', 'decodebin', 'videobox'):
    assert Gst.ElementFactory.find(name), name
";

/// aiortc publishes into the demo room by WHIP and watches it by WHEP; then GStreamer does, and both see each other.
pub(crate) fn test() -> anyhow::Result<()> {
    let aiortc = aiortc()?;
    need_gstreamer()?;
    let server = Server::start(1, &[])?;
    let room = Room { server: &server };
    step(
        room.client(&aiortc, "aiortc_room.py", &[])?,
        "aiortc_room.py: two publish, one watches",
    )?;
    let gstreamer = Path::new(PYTHON);
    for (codec, seconds) in [("VP8", LONGER), ("H264", "0")] {
        let publisher = room.publish(gstreamer, "gstreamer_client.py", &["publish", codec, seconds])?;
        step(
            room.client(&aiortc, "aiortc_client.py", &["watch"])?,
            &format!("aiortc watches {codec} of GStreamer"),
        )?;
        step(
            room.client(gstreamer, "gstreamer_client.py", &["watch"])?,
            &format!("GStreamer watches {codec} of GStreamer"),
        )?;
        publisher.end()?;
    }
    let publisher = room.publish(&aiortc, "aiortc_client.py", &["publish"])?;
    step(
        room.client(gstreamer, "gstreamer_client.py", &["watch"])?,
        "GStreamer watches aiortc",
    )?;
    publisher.end()
}

/// The Python that has aiortc.
pub(crate) fn aiortc() -> anyhow::Result<PathBuf> {
    if !packages::may(&format!(
        "pip install {AIORTC} beside what cargo builds (tests of media)"
    )) {
        bail!("aiortc tests the media; run this with --yes to have it installed");
    }
    Ok(python::environment("aiortc", AIORTC)?.join("bin/python3"))
}

fn need_gstreamer() -> anyhow::Result<()> {
    let has = || {
        let mut probe = Command::new(PYTHON);
        probe.args(["-c", HAS_GSTREAMER]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    if has() {
        return Ok(());
    }
    let names = GSTREAMER.join(" ");
    if !packages::may(&format!("apt-get install {names} (tests of media)")) {
        bail!("GStreamer tests the media; get it with: apt-get install {names}");
    }
    packages::install(&GSTREAMER)?;
    if has() {
        return Ok(());
    }
    bail!("something of GStreamer is still missing after installing {names}")
}

/// The demo room of a server, for programs of cluster-tests/interop.
pub(crate) struct Room<'a> {
    pub(crate) server: &'a Server,
}

impl Room<'_> {
    pub(crate) fn client(&self, python: &Path, program: &str, rest: &[&str]) -> anyhow::Result<Command> {
        let url = self.server.urls.first().context("the server has an address")?;
        let mut command = Command::new(python);
        command
            .arg(root().join("cluster-tests/interop").join(program))
            .args([url, &self.server.room])
            .args(rest)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PLENARY_ADMIN", &self.server.admin)
            .env("PLENARY_PASSWORD", &self.server.password);
        Ok(command)
    }

    /// Starts one that publishes, and waits until it says so.
    fn publish(&self, python: &Path, program: &str, rest: &[&str]) -> anyhow::Result<Publisher> {
        let mut command = self.client(python, program, rest)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = command.spawn();
        let mut process = process.with_context(|| format!("{program} cannot be started"))?;
        let mut output = BufReader::new(process.stdout.take().context("the output is piped")?);
        let publisher = Publisher {
            process,
            program: program.to_owned(),
        };
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() == "publishing" {
            // What else it says is for people.
            std::thread::spawn(move || {
                output
                    .lines()
                    .map_while(Result::ok)
                    .for_each(|line| eprintln!("{line}"))
            });
            return Ok(publisher);
        }
        bail!("{program} does not publish: its reason is above")
    }
}

/// It ends when this is dropped.
struct Publisher {
    process: Child,
    program: String,
}

impl Publisher {
    /// Lets it end well: it ends its session.
    fn end(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if status.success() {
            return Ok(());
        }
        bail!("{} did not end well ({status})", self.program)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
