//! The same people in OpenLDAP, with indexes for substrings and for what sounds alike, as an address book asks it.

use crate::rate::Asked;
use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use plenary_people::fold;
use plenary_people_index::samples::{Samples, Typed};
use plenary_testkit::{FreePorts, Process};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const SUFFIX: &str = "dc=example,dc=com";
/// Fewest letters for which its index knows what is inside of words; fewer are looked for at the beginning.
const INSIDE: usize = 4;

#[derive(Clone)]
pub(crate) struct Slapd {
    address: SocketAddr,
    /// Connections that nobody uses at the moment.
    idle: Arc<Mutex<Vec<TcpStream>>>,
    pub(crate) filled: Duration,
    folder: PathBuf,
    /// Ends with this.
    _process: Arc<Process>,
}

impl Slapd {
    pub(crate) async fn start(folder: &Path, samples: &Samples, people: u64) -> anyhow::Result<Self> {
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        let config = folder.join("slapd.conf");
        let text = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
             pidfile {folder}/pid\ndatabase mdb\nsuffix \"{SUFFIX}\"\ndirectory {data}\nmaxsize 34359738368\n\
             index objectClass eq\nindex cn,sn,givenName,ou sub,approx\nindex uid sub\n",
            folder = folder.display(),
            data = data.display(),
        );
        std::fs::write(&config, text)?;
        let ldif = folder.join("people.ldif");
        write(&ldif, samples, people)?;
        let start = Instant::now();
        let mut add = Command::new("/usr/sbin/slapadd");
        add.arg("-q").arg("-f").arg(&config).arg("-l").arg(&ldif);
        let added = add.output().context("slapadd")?;
        ensure!(
            added.status.success(),
            "{}",
            String::from_utf8_lossy(&added.stderr)
        );
        let filled = start.elapsed();
        std::fs::remove_file(&ldif)?;
        let address = FreePorts::default().next([127, 0, 0, 1].into())?;
        let (config, url) = (
            config.to_string_lossy().into_owned(),
            format!("ldap://{address}/"),
        );
        let arguments = ["-f", config.as_str(), "-h", url.as_str(), "-d", "0"];
        let process = Process::start(&[], Path::new("/usr/sbin/slapd"), &arguments, &folder.join("log"))?;
        let slapd = Self {
            address,
            idle: Arc::default(),
            filled,
            folder: folder.to_owned(),
            _process: Arc::new(process),
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).await.is_err() {
            ensure!(Instant::now() < deadline, "{}", slapd._process.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(slapd)
    }

    pub(crate) fn megabytes(&self) -> anyhow::Result<f64> {
        let pid = std::fs::read_to_string(self.folder.join("pid"))?;
        crate::memory_megabytes(pid.trim().parse()?)
    }

    fn idle(&self) -> Option<TcpStream> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// All people as LDIF; names both as they are written and in plain letters, so that they are found by what is typed.
fn write(path: &Path, samples: &Samples, people: u64) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(
        out,
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Demo\ndc: example\n"
    )?;
    for person in (0..people).map(|number| samples.person(number)) {
        let id = &person.id.id;
        writeln!(out, "dn:: {}", BASE64.encode(format!("uid={id},{SUFFIX}")))?;
        writeln!(out, "objectClass: inetOrgPerson")?;
        let fields = [
            ("uid", id),
            ("cn", &person.display_name),
            ("sn", &person.last_name),
            ("givenName", &person.first_name),
            ("ou", &person.department),
            ("title", &person.job_title),
            ("mail", &person.email),
        ];
        for (name, text) in fields {
            let plain = match name {
                "cn" | "sn" | "givenName" | "ou" => fold::fold(text),
                _ => text.clone(),
            };
            for value in BTreeSet::from([text.to_lowercase(), plain]) {
                writeln!(out, "{name}:: {}", BASE64.encode(value))?;
            }
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

impl Asked for Slapd {
    async fn ask(&self, typed: &Typed) -> anyhow::Result<usize> {
        let mut stream = match self.idle() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(&search(&typed.words)).await?;
        let found = answer(&mut stream).await?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(stream);
        Ok(found)
    }
}

/// BER (RFC 4511 §5.1).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = (content.len() as u32).to_be_bytes();
    match content.len() {
        0..128 => bytes.push(content.len() as u8),
        _ => {
            bytes.push(0x84);
            bytes.extend(length);
        }
    }
    bytes.extend(content);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    tlv(0x04, text.as_bytes())
}

/// Each word has to be in one of the fields.
fn search(words: &[String]) -> Vec<u8> {
    let substring = |field: &str, place: u8, word: &str| {
        let part = tlv(0x30, &tlv(place, word.as_bytes()));
        tlv(0xa4, &[text(field), part].concat())
    };
    let word = |word: &String| {
        let (initial, any) = (0x80, 0x81);
        let fields = ["cn", "sn", "givenName", "ou", "uid"];
        let mut ways: Vec<u8> = fields
            .iter()
            .flat_map(|field| substring(field, initial, word))
            .collect();
        if word.chars().count() >= INSIDE {
            ways.extend(["cn", "uid"].iter().flat_map(|field| substring(field, any, word)));
            ways.extend(tlv(0xa8, &[text("cn"), text(word)].concat()));
        }
        tlv(0xa1, &ways)
    };
    let filter = tlv(0xa0, &words.iter().flat_map(word).collect::<Vec<u8>>());
    let request = [
        text(SUFFIX),
        // The whole tree, no aliases, ten entries, ten seconds, with values.
        tlv(0x0a, &[2]),
        tlv(0x0a, &[0]),
        tlv(0x02, &[10]),
        tlv(0x02, &[10]),
        tlv(0x01, &[0]),
        filter,
        tlv(0x30, &[text("cn"), text("ou"), text("mail")].concat()),
    ];
    tlv(0x30, &[tlv(0x02, &[1]), tlv(0x63, &request.concat())].concat())
}

/// Reads to the end of the answer; says how many entries came.
async fn answer(stream: &mut TcpStream) -> anyhow::Result<usize> {
    let mut found = 0;
    loop {
        let mut tag = [0; 2];
        stream.read_exact(&mut tag).await?;
        let length = match tag[1] {
            short @ 0..128 => usize::from(short),
            long => {
                let mut bytes = [0; 8];
                let count = usize::from(long & 0x7f);
                stream
                    .read_exact(
                        bytes
                            .get_mut(8_usize.saturating_sub(count)..)
                            .context("a length")?,
                    )
                    .await?;
                u64::from_be_bytes(bytes) as usize
            }
        };
        ensure!(length < 1 << 20, "an answer of {length} bytes");
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        // Behind the number of the message, which has one byte here.
        match message.get(3) {
            Some(0x64) => found += 1,
            Some(0x65) => {
                let rest = message.get(4..).unwrap_or_default();
                let skip = if rest.first().is_some_and(|first| *first < 128) {
                    1
                } else {
                    5
                };
                // Success, or more than were wanted.
                return match rest.get(skip + 2) {
                    Some(0 | 4) => Ok(found),
                    code => bail!("slapd refuses with {code:?}"),
                };
            }
            Some(0x73) => {}
            other => bail!("slapd says {other:?}"),
        }
    }
}
