//! What a running program holds: who it is, the issuers of its server, and the certificate it shows.

use crate::{
    Expected, IdentityError, JoinToken, PROGRAM_LIFETIME, ProgramName, Refusal, RevocationList, Revocations,
    ServerCa, SignedPolicy, SignedRevocations, WebName, WebTls,
    authority::Authority,
    certificate::pem,
    join::{self, JoinSecret},
    key::Key,
    tls::{self, Shown},
    vault::{self, MachineKey},
    verify::{Trust, Verifier},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use plenary_model::{NodeId, NodeName};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

const FORMAT: u32 = 1;
const IDENTITY_FILE: &str = "identity.json";
const REVOCATIONS_FILE: &str = "revocations.json";
/// Name of the machine key in the identity folder, where nothing else was configured.
pub const MACHINE_KEY_FILE: &str = "machine.key";
/// How often it is looked whether a certificate is due. By the wall clock, because machines sleep.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Who this program is. Cheap to clone; all clones show the same certificate.
///
/// The program's own key lives in memory only: each start makes a new one and certifies it with the issuer's
/// key, which lies encrypted in `identity.json`. So certificates renew without an administrator, without
/// quorum and after any time switched off, as long as the issuer's certificate counts.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    me: ProgramName,
    ca: ServerCa,
    lifetime: Duration,
    shown: Shown,
    /// When the certificate that is shown was made.
    made: Mutex<SystemTime>,
    revocations: Revocations,
}

/// `identity.json`. The keys are sealed with the machine key; everything else is their context, so that a
/// change of any part is noticed.
#[derive(Serialize, Deserialize)]
struct IdentityFile {
    format: u32,
    name: NodeName,
    member: NodeId,
    root: String,
    programs: String,
    web: String,
    sealed_keys: String,
}

impl IdentityFile {
    fn context(&self) -> Vec<u8> {
        let Self {
            format,
            name,
            member,
            root,
            programs,
            web,
            sealed_keys: _,
        } = self;
        format!("plenary identity\n{format}\n{name}\n{member}\n{root}\n{programs}\n{web}").into_bytes()
    }
}

impl Identity {
    /// Keeps the identity of a new program in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`IdentityError::Exists`] if the folder holds an identity already; when it cannot be written.
    pub fn create(
        folder: &Path,
        machine: MachineKey,
        ca: ServerCa,
        name: NodeName,
        member: NodeId,
    ) -> Result<Self, IdentityError> {
        let me = ca.scope().program_named(name, member);
        Self::keep(folder, machine, ca, me)
    }

    pub(crate) fn keep(
        folder: &Path,
        machine: MachineKey,
        ca: ServerCa,
        me: ProgramName,
    ) -> Result<Self, IdentityError> {
        vault::make_private_folder(folder)?;
        let mut keys = Zeroizing::new(Vec::with_capacity(1024));
        for key in [&ca.programs.key, &ca.web.key] {
            let length = u16::try_from(key.pkcs8().len()).expect("a P-256 key in PKCS#8 has about 140 bytes");
            keys.extend_from_slice(&length.to_be_bytes());
            keys.extend_from_slice(key.pkcs8());
        }
        let mut file = IdentityFile {
            format: FORMAT,
            name: me.name.clone(),
            member: me.member,
            root: BASE64.encode(&ca.root),
            programs: BASE64.encode(&ca.programs.certificate),
            web: BASE64.encode(&ca.web.certificate),
            sealed_keys: String::new(),
        };
        file.sealed_keys = BASE64.encode(vault::seal(machine.bytes(), &file.context(), &keys)?);
        let json = serde_json::to_vec_pretty(&file).map_err(|_| IdentityError::Crypto {
            what: "writing an identity",
        })?;
        vault::create_private(&folder.join(IDENTITY_FILE), &json)?;
        Self::start(folder, ca, me, PROGRAM_LIFETIME)
    }

    /// Opens the identity in `folder`, with the machine key that it was made with.
    ///
    /// # Errors
    /// When files are missing, damaged, changed, of a newer version or readable by others; when the machine
    /// key is another one; when the issuer's certificate is over.
    pub fn open(folder: &Path, machine: MachineKey) -> Result<Self, IdentityError> {
        let (ca, me) = read(&folder.join(IDENTITY_FILE), &machine)?;
        Self::start(folder, ca, me, PROGRAM_LIFETIME)
    }

    fn start(
        folder: &Path,
        ca: ServerCa,
        me: ProgramName,
        lifetime: Duration,
    ) -> Result<Self, IdentityError> {
        let now = SystemTime::now();
        let shown = Shown::new(certify(&ca, &me, now, lifetime)?);
        let revocations = Revocations::default();
        let identity = Self(Arc::new(Inner {
            folder: folder.to_owned(),
            me,
            ca,
            lifetime,
            shown,
            made: Mutex::new(now),
            revocations,
        }));
        identity.load_revocations(now);
        Ok(identity)
    }

    /// The same program with certificates that last for another time; for tests and impatient operators.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, IdentityError> {
        let inner = Arc::try_unwrap(self.0);
        match inner {
            Ok(inner) => Self::start(&inner.folder, inner.ca, inner.me, lifetime),
            Err(_) => Err(IdentityError::Crypto {
                what: "changing the lifetime of an identity in use",
            }),
        }
    }

    pub fn me(&self) -> &ProgramName {
        &self.0.me
    }

    pub fn ca(&self) -> &ServerCa {
        &self.0.ca
    }

    /// The enterprise's root certificate, for people to install: PEM and DER.
    pub fn root_pem(&self) -> String {
        pem("CERTIFICATE", &self.0.ca.root)
    }

    pub fn root_der(&self) -> &CertificateDer<'static> {
        &self.0.ca.root
    }

    /// For a port that programs connect to. Those who show a certificate must be one of `expected`; those who
    /// show none get in too and have no [`crate::PeerIdentity`]: the services must ask for it.
    pub fn server_config(&self, expected: Vec<Expected>) -> Arc<rustls::ServerConfig> {
        tls::between_programs_server(self.verifier(expected), self.0.shown.clone())
    }

    /// For connecting to exactly the program that is expected there.
    pub fn client_config(&self, expected: Expected) -> Arc<rustls::ClientConfig> {
        tls::between_programs_client(self.verifier(vec![expected]), Some(self.0.shown.clone()))
    }

    fn verifier(&self, expected: Vec<Expected>) -> Verifier {
        let trust = Trust::Root(self.0.ca.root.clone());
        Verifier::new(trust, expected, self.0.revocations.clone(), &tls::provider())
    }

    /// The certificate that is shown now.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.0.shown.now().cert.first().cloned()
    }

    /// Makes a new certificate with a new key if the one that is shown has passed two thirds of its life.
    /// New connections show it; open ones go on. Says whether it did.
    ///
    /// # Errors
    /// When the certificate cannot be made; then the old one is shown on.
    pub fn renew_if_due(&self, now: SystemTime) -> Result<bool, IdentityError> {
        let Inner {
            ca,
            me,
            lifetime,
            shown,
            made,
            ..
        } = &*self.0;
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_due(*made, now, *lifetime) {
            return Ok(false);
        }
        shown.replace(certify(ca, me, now, *lifetime)?);
        *made = now;
        Ok(true)
    }

    /// Renews certificates as they get due, for as long as the future is polled; log what goes wrong.
    pub async fn keep_fresh(&self, web: Option<&WebTls>) {
        let mut tick =
            tokio::time::interval(LOOK_EVERY.min(self.0.lifetime / 6).max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let now = SystemTime::now();
            match self.renew_if_due(now) {
                Ok(true) => tracing::info!(program = %self.me(), "the program's certificate was renewed"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the program's certificate cannot be renewed"),
            }
            match web.map(|web| web.renew_if_due(now)) {
                Some(Ok(true)) => tracing::info!("the certificate for browsers was renewed"),
                Some(Err(error)) => tracing::error!(%error, "the certificate for browsers cannot be renewed"),
                Some(Ok(false)) | None => {}
            }
        }
    }

    /// HTTPS for these names and addresses, certified by the server's web issuer.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn web(&self, names: &[WebName]) -> Result<WebTls, IdentityError> {
        WebTls::certified(self.clone(), names)
    }

    /// A join token for this server.
    pub fn join_token(
        &self,
        invitation: String,
        secret: JoinSecret,
        addresses: Vec<String>,
        expires_ms: u64,
    ) -> JoinToken {
        let scope = self.0.ca.scope();
        JoinToken {
            program: scope.program,
            server: scope.server.clone(),
            enterprise: scope.enterprise.clone(),
            root_hash: self.0.ca.root_hash(),
            addresses,
            invitation,
            secret,
            expires_ms,
        }
    }

    /// Certifies a machine that joins as `name` with the number `member`, and packs what it keeps.
    ///
    /// Check its proof and use up the invitation before: what this gives out makes a node of this server.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] if the certificate request is not in order.
    pub fn admit(
        &self,
        name: NodeName,
        member: NodeId,
        request: &[u8],
        secret_hash: &[u8; 32],
        binding: &[u8; 32],
    ) -> Result<Vec<u8>, IdentityError> {
        let who = self.0.ca.scope().program_named(name, member);
        let certificate = self
            .0
            .ca
            .certify_request(request, &who, SystemTime::now(), self.0.lifetime)?;
        join::pack(&self.0.ca, &certificate, secret_hash, binding)
    }

    pub(crate) fn shown(&self) -> Shown {
        self.0.shown.clone()
    }

    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Signs what this server wants of its programs in the DMZ, for [`Enrolled::accept_policy`](crate::Enrolled::accept_policy).
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn sign_policy(&self, text: String) -> Result<SignedPolicy, IdentityError> {
        SignedPolicy::sign(text, &self.0.ca)
    }

    /// Signs a list for this server; give it to [`Identity::accept_revocations`] of every program.
    ///
    /// # Errors
    /// When the list is that of another scope.
    pub fn sign_revocations(&self, list: &RevocationList) -> Result<SignedRevocations, IdentityError> {
        SignedRevocations::sign(list, &self.0.ca)
    }

    /// Takes a list if it is in order and newer than the one that is known, and keeps it for the next start.
    /// Says whether it was newer.
    ///
    /// # Errors
    /// [`Refusal::BadRevocations`]; when the file cannot be written (the list counts even so).
    pub fn accept_revocations(&self, signed: &SignedRevocations) -> Result<bool, IdentityError> {
        let list = signed.verify(&self.0.ca.root, SystemTime::now())?;
        let own = list.scope == *self.0.ca.scope();
        let newer = self.0.revocations.accept(list);
        if newer && own {
            let json = serde_json::to_vec(signed).map_err(|_| IdentityError::Crypto {
                what: "writing a list",
            })?;
            vault::write_private(&self.0.folder.join(REVOCATIONS_FILE), &json)?;
        }
        Ok(newer)
    }

    fn load_revocations(&self, now: SystemTime) {
        let path = self.0.folder.join(REVOCATIONS_FILE);
        let Ok(json) = std::fs::read(&path) else {
            return;
        };
        let read = serde_json::from_slice::<SignedRevocations>(&json)
            .map_err(|error| Refusal::BadRevocations(error.to_string()))
            .and_then(|signed| signed.verify(&self.0.ca.root, now));
        match read {
            Ok(list) => {
                self.0.revocations.accept(list);
            }
            // The other nodes have it too and send it again.
            Err(error) => {
                tracing::warn!(%error, file = %path.display(), "the kept revocation list was left out")
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("me", &self.0.me)
            .finish_non_exhaustive()
    }
}

/// Due from two thirds of the lifetime on, and when the clock was set back before the certificate's making.
pub(crate) fn is_due(made: SystemTime, now: SystemTime, lifetime: Duration) -> bool {
    now.duration_since(made)
        .map_or(true, |age| age >= lifetime * 2 / 3)
}

/// A new key and its certificate, with the chain up to the root: joining machines know only the root's hash.
fn certify(
    ca: &ServerCa,
    me: &ProgramName,
    now: SystemTime,
    lifetime: Duration,
) -> Result<rustls::sign::CertifiedKey, IdentityError> {
    let key = Key::generate()?;
    let leaf = ca.issue(me, &key, now, lifetime)?;
    tls::certified(vec![leaf, ca.programs.certificate.clone(), ca.root.clone()], &key)
}

fn read(path: &Path, machine: &MachineKey) -> Result<(ServerCa, ProgramName), IdentityError> {
    let json = vault::read_private(path)?
        .ok_or_else(|| IdentityError::file(path, "read")(std::io::ErrorKind::NotFound.into()))?;
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |error: serde_json::Error| IdentityError::damaged(path, error);
    // The format is read alone first: a newer version may have changed everything else.
    let Format { format } = serde_json::from_slice(&json).map_err(damaged)?;
    if format > FORMAT {
        return Err(IdentityError::Newer {
            path: path.to_owned(),
            format,
        });
    }
    let file: IdentityFile = serde_json::from_slice(&json).map_err(damaged)?;
    let decode = |text: &str| {
        BASE64
            .decode(text)
            .map_err(|error| IdentityError::damaged(path, error))
    };
    let keys =
        vault::open(machine.bytes(), &file.context(), &decode(&file.sealed_keys)?).ok_or_else(|| {
            IdentityError::Sealed {
                path: path.to_owned(),
            }
        })?;
    let mut rest = keys.as_slice();
    let mut next_key = || {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (key, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = behind;
        Key::from_pkcs8(key)
    };
    let (Some(programs), Some(web)) = (next_key(), next_key()) else {
        return Err(IdentityError::damaged(path, "it holds no keys"));
    };
    let ca = ServerCa::assemble(
        decode(&file.root)?.into(),
        Authority {
            certificate: decode(&file.programs)?.into(),
            key: programs,
        },
        Authority {
            certificate: decode(&file.web)?.into(),
            key: web,
        },
    )?;
    let me = ca.scope().program_named(file.name, file.member);
    Ok((ca, me))
}
