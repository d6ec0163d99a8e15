//! The vendor's tools: keys, licences, confirmations. They work on files and ask no server.

mod inspect;
mod wanted;

use crate::{
    installed::Installed,
    output::{Output, say},
};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use plenary_licences::licence::{Confirmation, LARGEST, LicenceId, Request, Signed, Signer, Trust};
use plenary_model::Timestamp;
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};
use wanted::Wanted;

/// Licence files: those that a server has installed; and for the vendor: make a key, sign, confirm, look into one.
#[derive(Subcommand)]
pub(crate) enum Licence {
    #[command(flatten)]
    Installed(Installed),
    /// Make the vendor's signing key and print its public half
    ///
    /// Keep the file offline: whoever has it can sign licences. Build the product with the public half in
    /// PLENARY_VENDOR_KEY.
    Keygen {
        /// File to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Sign a licence that is described in TOML
    ///
    /// Keys: enterprise, contact, servers ("any" or a list of names), term (trial, annual, lifetime), edition (server,
    /// enterprise), support (basic, advanced, complete), valid_from, valid_until, extensions, and a section seats with
    /// pro, online, guest, gateway. Without online, three come with every two PRO seats.
    Issue {
        #[command(flatten)]
        key: SigningKey,
        /// The description (TOML)
        file: PathBuf,
        /// Licence file to write; it must not exist. Without it the licence is printed
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Confirm that a licence belongs to the License Manager that made a request
    ///
    /// Confirm a licence for a second pool only when the first one is no more: both would lend all of it.
    Confirm {
        #[command(flatten)]
        key: SigningKey,
        /// The request file that the License Manager made
        request: PathBuf,
        /// The licence that is asked for, to make sure that this key signed it
        #[arg(long)]
        licence: PathBuf,
        /// Confirmation file to write; it must not exist. Without it the confirmation is printed
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Say what a licence, request or confirmation file says, and whether it would be accepted
    ///
    /// Exit code 1 if it would be refused.
    Inspect(inspect::Inspect),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SigningKey {
    /// File of the vendor's private key
    #[arg(long)]
    key: Option<PathBuf>,
    /// Sign with the key that everybody has; the licence counts only where licences are tried out
    #[arg(long)]
    development: bool,
}

impl SigningKey {
    fn open(&self) -> anyhow::Result<Signer> {
        let Some(path) = &self.key else {
            return Ok(Signer::for_development()?);
        };
        let text = zeroize::Zeroizing::new(
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?,
        );
        Signer::of_text(&text).with_context(|| path.display().to_string())
    }
}

impl Licence {
    pub(crate) fn run(self, output: Output) -> anyhow::Result<()> {
        match self {
            Self::Keygen { out } => keygen(&out, output),
            Self::Issue { key, file, out } => issue(&key.open()?, &file, out.as_deref()),
            Self::Confirm {
                key,
                request,
                licence,
                out,
            } => confirm(&key.open()?, &request, &licence, out.as_deref()),
            Self::Inspect(inspect) => inspect.run(output),
            // These ask a server; whoever has a connection runs them.
            Self::Installed(_) => bail!("this needs a server"),
        }
    }
}

fn keygen(out: &Path, output: Output) -> anyhow::Result<()> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the operating system gives no random numbers")?;
    let signer = Signer::of_seed(seed)?;
    write_new(out, signer.to_text().as_bytes(), 0o600)?;
    let public = signer.public();
    let value = json!({ "public_key": public.to_string(), "key_id": public.id().to_string() });
    output.one(&value, || {
        format!(
            "The private key is in {}; keep it offline.\n\nBuild the product with:\n\n  PLENARY_VENDOR_KEY={public}\n\nIts files name it {}.",
            out.display(),
            public.id()
        )
    });
    Ok(())
}

fn issue(signer: &Signer, file: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let wanted: Wanted =
        toml::from_str(&text).with_context(|| format!("{} is no licence", file.display()))?;
    let licence = wanted
        .licence(random_id()?, now())
        .with_context(|| file.display().to_string())?;
    let signed = Signed::issue(&licence, signer).with_context(|| file.display().to_string())?;
    hand_out(&signed, out)
}

fn confirm(signer: &Signer, request: &Path, licence: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let asked = Request::of_text(&read(request)?).with_context(|| request.display().to_string())?;
    let signed = Signed::of_text(&read(licence)?, &[signer.public()])
        .with_context(|| licence.display().to_string())?;
    ensure!(
        signed.licence.id == asked.licence,
        "the request asks for the licence {}, but {} is {}",
        asked.licence,
        licence.display(),
        signed.licence.id
    );
    hand_out(&Confirmation::issue(&asked, now(), signer), out)
}

/// Files that are signed hold nothing secret.
fn hand_out(text: &str, out: Option<&Path>) -> anyhow::Result<()> {
    match out {
        Some(path) => {
            write_new(path, text.as_bytes(), 0o644)?;
            say(&format!("Wrote {}.", path.display()));
        }
        None => say(text.trim_end()),
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} exists already; choose another name", path.display())
        }
        made => made.with_context(|| format!("{} cannot be written", path.display()))?,
    };
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// No more than a licence file can have.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn trust() -> anyhow::Result<Trust> {
    let asked = std::env::var(Trust::VARIABLE).ok();
    Ok(Trust::new(
        plenary_licences::licence::Build::THIS,
        asked.as_deref(),
    )?)
}

fn random_id() -> anyhow::Result<LicenceId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the operating system gives no random numbers")?;
    Ok(LicenceId(u128::from_be_bytes(bytes)))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}
