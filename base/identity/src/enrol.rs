//! Programs that hold no issuing key: how one is enrolled by a token, what it keeps, how it renews.
//!
//! ```text
//!  program in the DMZ                                node of the server
//!  ──────────────────                                ──────────────────
//!  token: root's hash, secret                        log: SHA-256 of the secret
//!      ◄──────────────────────────────────────────   TLS 1.3, dialled from inside; shows its certificate,
//!  accepts only nodes below that root                accepts whoever answers
//!  request, HMAC(SHA-256(secret), "joiner" + binding)
//!      ──────────────────────────────────────────►   checks; the token is used up by a log entry
//!  checks ◄──────────────────────────────────────    HMAC(…, "server" + binding), certificate
//! ```
//! Whoever stands between the two has no certificate of a node and is refused by the program; whoever answers in the place of the
//! program does not know the secret, and its proof is wrong. As both proofs are bound to the connection, none can be
//! passed on.

use crate::{
    Expected, Identity, IdentityError, JoinError, JoinToken, PeerIdentity, Program, ProgramName, Refusal,
    Revocations, SignedPolicy, SignedRevocations,
    certificate::{Facts, Wanted},
    join::{Side, check_proof, prove, request_for},
    key::Key,
    tls::{self, Shown},
    vault::{self, MachineKey},
    verify::{Anybody, Trust, Verifier},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use plenary_model::{NodeId, NodeName};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

const FORMAT: u32 = 1;
const ENROLLED_FILE: &str = "enrolled.json";
const REVOCATIONS_FILE: &str = "revocations.json";
const POLICY_FILE: &str = "policy.json";
/// The certificate that is shown until there is a real one; it proves nothing.
const PROVISIONAL: Duration = Duration::from_secs(24 * 60 * 60);

/// A program on its way to be enrolled. Its key never leaves the machine.
#[derive(Debug)]
pub struct Enrolling {
    token: JoinToken,
    key: Key,
    shown: Shown,
    found: Arc<OnceLock<CertificateDer<'static>>>,
}

impl Enrolling {
    /// Starts with a new key; nothing is written before [`Enrolling::finish`].
    ///
    /// # Errors
    /// [`JoinError::OtherProgram`] where the token is for another program; when the key cannot be made.
    pub fn new(token: JoinToken) -> Result<Self, IdentityError> {
        if token.program != Program::BorderController {
            return Err(JoinError::OtherProgram {
                program: token.program,
            }
            .into());
        }
        let key = Key::generate()?;
        let now = SystemTime::now();
        let certificate = Wanted {
            organisation: "Plenary".to_owned(),
            common_name: "not enrolled yet".to_owned(),
            names: Vec::new(),
            purposes: Vec::new(),
            issuer: None,
            from: now,
            until: now + PROVISIONAL,
        }
        .self_signed(&key)?;
        let shown = Shown::new(tls::certified(vec![certificate], &key)?);
        Ok(Self {
            token,
            key,
            shown,
            found: Arc::default(),
        })
    }

    pub fn token(&self) -> &JoinToken {
        &self.token
    }

    /// For the port at which nodes of the token's server come, recognised by the hash in the token. Who shows no
    /// certificate gets through the handshake: look at [`PeerIdentity::of_chain`].
    pub fn server_config(&self) -> Arc<rustls::ServerConfig> {
        let verifier = Verifier::new(
            Trust::Hash(self.token.root_hash, self.found.clone()),
            vec![Expected::node_of(&self.token.server)],
            Revocations::default(),
            &tls::provider(),
        );
        tls::between_programs_server(verifier, self.shown.clone())
    }

    /// The certificate request (PKCS#10, DER).
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn certificate_request(&self) -> Result<Vec<u8>, IdentityError> {
        request_for(&self.key, Program::BorderController.as_str())
    }

    /// Our proof of knowing the token, for the connection with this binding. Say it only to a node: its certificate was
    /// checked on that connection.
    pub fn proof(&self, binding: &[u8; 32]) -> [u8; 32] {
        prove(Side::Joiner, &self.token.secret.hash(), binding)
    }

    /// Checks the node's answer and keeps who we are in `folder`, in the place of who we were.
    ///
    /// # Errors
    /// [`JoinError`] when the answer is not that of a node that knows the token, [`Refusal`] when the certificate is not
    /// ours; when the folder cannot be written. Then nothing was kept.
    pub fn finish(
        self,
        folder: &Path,
        machine: &MachineKey,
        binding: &[u8; 32],
        proof: &[u8],
        chain: Vec<CertificateDer<'static>>,
    ) -> Result<Enrolled, IdentityError> {
        check_proof(Side::Server, &self.token.secret.hash(), binding, proof)?;
        let found = self.found.get().ok_or(Refusal::OtherEnterprise)?;
        let trust = Trust::Root(found.clone());
        let expected = Expected::any(self.token.program).at(&self.token.server);
        let who = checked(&chain, &self.key, trust, expected, SystemTime::now())?;
        let kept = Kept {
            root: found.clone(),
            who: who.name,
            chain,
            key: self.key,
        };
        vault::make_private_folder(folder)?;
        kept.write(folder, machine)?;
        // Lists of another enterprise or of before say nothing any more.
        std::fs::remove_file(folder.join(REVOCATIONS_FILE)).ok();
        Enrolled::start(folder, kept)
    }
}

/// Checks that a chain is that of the program that is expected, with our key.
fn checked(
    chain: &[CertificateDer<'static>],
    key: &Key,
    trust: Trust,
    expected: Expected,
    now: SystemTime,
) -> Result<PeerIdentity, IdentityError> {
    let verifier = Verifier::new(trust, vec![expected], Revocations::default(), &tls::provider());
    let (leaf, others) = chain.split_first().ok_or(Refusal::NoIssuer)?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let who = verifier.check(leaf, others, UnixTime::since_unix_epoch(since))?;
    if !Facts::read(leaf)?.is_key_of(key) {
        return Err(JoinError::BadAnswer("its certificate is not ours".to_owned()).into());
    }
    Ok(who)
}

/// What lies in `enrolled.json`. The key is sealed with the machine key; everything else is its context.
#[derive(Serialize, Deserialize)]
struct EnrolledFile {
    format: u32,
    root: String,
    /// The leaf first.
    chain: Vec<String>,
    sealed_key: String,
}

impl EnrolledFile {
    fn context(&self) -> Vec<u8> {
        let Self {
            format, root, chain, ..
        } = self;
        format!("plenary enrolled\n{format}\n{root}\n{}", chain.join("\n")).into_bytes()
    }
}

struct Kept {
    root: CertificateDer<'static>,
    who: ProgramName,
    chain: Vec<CertificateDer<'static>>,
    key: Key,
}

impl Kept {
    fn write(&self, folder: &Path, machine: &MachineKey) -> Result<(), IdentityError> {
        let mut file = EnrolledFile {
            format: FORMAT,
            root: BASE64.encode(&self.root),
            chain: self.chain.iter().map(|one| BASE64.encode(one)).collect(),
            sealed_key: String::new(),
        };
        let key = Zeroizing::new(self.key.pkcs8().to_vec());
        file.sealed_key = BASE64.encode(vault::seal(machine.bytes(), &file.context(), &key)?);
        let json = serde_json::to_vec_pretty(&file).map_err(|_| IdentityError::Crypto {
            what: "writing an identity",
        })?;
        vault::write_private(&folder.join(ENROLLED_FILE), &json)
    }

    fn read(path: &Path, machine: &MachineKey) -> Result<Self, IdentityError> {
        let missing = || IdentityError::file(path, "read")(std::io::ErrorKind::NotFound.into());
        let json = vault::read_private(path)?.ok_or_else(missing)?;
        let damaged = |error: &dyn fmt::Display| IdentityError::damaged(path, error);
        let file: EnrolledFile = serde_json::from_slice(&json).map_err(|error| damaged(&error))?;
        if file.format > FORMAT {
            return Err(IdentityError::Newer {
                path: path.to_owned(),
                format: file.format,
            });
        }
        let decode = |text: &str| BASE64.decode(text).map_err(|error| damaged(&error));
        let sealed = decode(&file.sealed_key)?;
        let key =
            vault::open(machine.bytes(), &file.context(), &sealed).ok_or_else(|| IdentityError::Sealed {
                path: path.to_owned(),
            })?;
        let key = Key::from_pkcs8(&key).ok_or_else(|| damaged(&"it holds no key"))?;
        let chain = file
            .chain
            .iter()
            .map(|text| decode(text).map(CertificateDer::from));
        let chain: Vec<_> = chain.collect::<Result<_, _>>()?;
        let leaf = chain.first().ok_or_else(|| damaged(&"it holds no certificate"))?;
        let who = PeerIdentity::of_leaf(leaf)?.name;
        Ok(Self {
            root: decode(&file.root)?.into(),
            who,
            chain,
            key,
        })
    }
}

/// Who a program is that holds no issuing key. Cheap to clone; all clones show the same certificate.
///
/// Its certificate and key are kept on its machine, and renewed by nodes of its server while it is connected with one:
/// switched off for longer than a certificate counts, it has to be enrolled anew.
#[derive(Clone)]
pub struct Enrolled(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    me: ProgramName,
    root: CertificateDer<'static>,
    shown: Shown,
    /// From when until when the certificate that is shown counts.
    valid: RwLock<(SystemTime, SystemTime)>,
    revocations: Revocations,
}

/// A new key and the request for its certificate.
pub struct Renewal {
    key: Key,
    /// PKCS#10, DER.
    pub request: Vec<u8>,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal(hidden)")
    }
}

impl Enrolled {
    /// Whether `folder` holds one.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(ENROLLED_FILE).exists()
    }

    /// Opens what [`Enrolling::finish`] kept. A certificate that is over is no error here: nodes refuse it.
    ///
    /// # Errors
    /// When files are missing, damaged, changed, of a newer version or readable by others; when the machine key is
    /// another one.
    pub fn open(folder: &Path, machine: &MachineKey) -> Result<Self, IdentityError> {
        Self::start(folder, Kept::read(&folder.join(ENROLLED_FILE), machine)?)
    }

    fn start(folder: &Path, kept: Kept) -> Result<Self, IdentityError> {
        let valid = valid(&kept.chain)?;
        let enrolled = Self(Arc::new(Inner {
            folder: folder.to_owned(),
            me: kept.who,
            shown: Shown::new(tls::certified(kept.chain, &kept.key)?),
            root: kept.root,
            valid: RwLock::new(valid),
            revocations: Revocations::default(),
        }));
        let path = folder.join(REVOCATIONS_FILE);
        if let Ok(json) = std::fs::read(&path) {
            let read = serde_json::from_slice(&json)
                .map_err(|error| Refusal::BadRevocations(error.to_string()).into())
                .and_then(|signed| enrolled.take(&signed));
            if let Err(error) = read {
                // The nodes have it and send it again.
                tracing::warn!(%error, file = %path.display(), "the kept revocation list was left out");
            }
        }
        Ok(enrolled)
    }

    pub fn me(&self) -> &ProgramName {
        &self.0.me
    }

    /// When the certificate that is shown ends.
    pub fn expires(&self) -> SystemTime {
        self.0.valid.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// For the port at which nodes of our server come. Who shows no certificate gets through the handshake: look at
    /// [`PeerIdentity::of_chain`].
    pub fn server_config(&self) -> Arc<rustls::ServerConfig> {
        let verifier = Verifier::new(
            Trust::Root(self.0.root.clone()),
            vec![Expected::node_of(&self.0.me.server)],
            self.0.revocations.clone(),
            &tls::provider(),
        );
        tls::between_programs_server(verifier, self.0.shown.clone())
    }

    /// A request for the next certificate, once the one that is shown has passed two thirds of its life.
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn renewal(&self, now: SystemTime) -> Result<Option<Renewal>, IdentityError> {
        let (from, until) = *self.0.valid.read().unwrap_or_else(PoisonError::into_inner);
        let life = until.duration_since(from).unwrap_or_default();
        if !crate::identity::is_due(from, now, life) {
            return Ok(None);
        }
        let key = Key::generate()?;
        let request = request_for(&key, self.0.me.name.as_str())?;
        Ok(Some(Renewal { key, request }))
    }

    /// Shows the new certificate from now on, and keeps it; open connections go on.
    ///
    /// # Errors
    /// When it is not one for us and this key; when the file cannot be written. Then the old one is shown on.
    pub fn renew(
        &self,
        machine: &MachineKey,
        renewal: Renewal,
        chain: Vec<CertificateDer<'static>>,
    ) -> Result<(), IdentityError> {
        let Inner { me, root, folder, .. } = &*self.0;
        let expected = Expected::any(me.program)
            .at(&me.server)
            .named(&me.name)
            .member(me.member);
        checked(
            &chain,
            &renewal.key,
            Trust::Root(root.clone()),
            expected,
            SystemTime::now(),
        )?;
        let (now_valid, certified) = (valid(&chain)?, tls::certified(chain.clone(), &renewal.key)?);
        let kept = Kept {
            root: root.clone(),
            who: me.clone(),
            chain,
            key: renewal.key,
        };
        kept.write(folder, machine)?;
        self.0.shown.replace(certified);
        *self.0.valid.write().unwrap_or_else(PoisonError::into_inner) = now_valid;
        Ok(())
    }

    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Takes a list of our server if it is in order and newer than the one that is known, and keeps it for the next
    /// start. Says whether it was newer.
    ///
    /// # Errors
    /// [`Refusal::BadRevocations`]; when the file cannot be written (the list counts even so).
    pub fn accept_revocations(&self, signed: &SignedRevocations) -> Result<bool, IdentityError> {
        let newer = self.take(signed)?;
        if newer {
            let json = serde_json::to_vec(signed).map_err(|_| IdentityError::Crypto {
                what: "writing a list",
            })?;
            vault::write_private(&self.0.folder.join(REVOCATIONS_FILE), &json)?;
        }
        Ok(newer)
    }

    /// What our server wants, if that is in order: `is_newer` says of its text whether it counts instead of what did before. Then it
    /// is kept for the next start. Gives the text if it counts now.
    ///
    /// # Errors
    /// [`Refusal::BadPolicy`]; when the file cannot be written.
    pub fn accept_policy(
        &self,
        signed: &SignedPolicy,
        is_newer: impl FnOnce(&str) -> bool,
    ) -> Result<Option<String>, IdentityError> {
        let text = self.read_policy(signed)?;
        if !is_newer(text) {
            return Ok(None);
        }
        let json = serde_json::to_vec(signed).map_err(|_| IdentityError::Crypto {
            what: "writing a policy",
        })?;
        vault::write_private(&self.0.folder.join(POLICY_FILE), &json)?;
        Ok(Some(text.to_owned()))
    }

    /// The text that was kept last; `None` where there is none, or what is there was not signed by our server.
    pub fn kept_policy(&self) -> Option<String> {
        let path = self.0.folder.join(POLICY_FILE);
        let json = std::fs::read(&path).ok()?;
        let read = serde_json::from_slice::<SignedPolicy>(&json)
            .map_err(|error| Refusal::BadPolicy(error.to_string()).into())
            .and_then(|signed| self.read_policy(&signed).map(str::to_owned));
        read.inspect_err(|error| {
            // The nodes have it and send it again.
            tracing::warn!(%error, file = %path.display(), "the kept policy was left out");
        })
        .ok()
    }

    fn read_policy<'a>(&self, signed: &'a SignedPolicy) -> Result<&'a str, IdentityError> {
        let (scope, text) = signed.verify(&self.0.root, SystemTime::now())?;
        if !scope.covers(&self.0.me) {
            return Err(Refusal::BadPolicy("it is that of another server".to_owned()).into());
        }
        Ok(text)
    }

    fn take(&self, signed: &SignedRevocations) -> Result<bool, IdentityError> {
        let list = signed.verify(&self.0.root, SystemTime::now())?;
        if !list.scope.covers(&self.0.me) {
            return Err(Refusal::BadRevocations("it is that of another server".to_owned()).into());
        }
        Ok(self.0.revocations.accept(list))
    }
}

impl fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolled")
            .field("me", &self.0.me)
            .finish_non_exhaustive()
    }
}

fn valid(chain: &[CertificateDer<'static>]) -> Result<(SystemTime, SystemTime), IdentityError> {
    let facts = Facts::read(chain.first().ok_or(Refusal::NoIssuer)?)?;
    Ok((facts.from, facts.until))
}

impl Identity {
    /// For dialling a program that is to be enrolled. Whoever answers is accepted and sees our certificate: nothing may be
    /// believed or told before its proof of knowing the token was right.
    pub fn enrolling_client_config(&self) -> Arc<rustls::ClientConfig> {
        tls::client_of_anybody(Anybody::new(&tls::provider()), self.shown())
    }

    /// Certifies a border controller of this server whose request (PKCS#10, DER) came over a connection on which it proved
    /// who it is. Gives its certificate and those above it, the leaf first.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] if the request is not in order; when we are no node.
    pub fn certify_controller(
        &self,
        name: &NodeName,
        member: NodeId,
        request: &[u8],
        lifetime: Duration,
    ) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
        let (ca, me) = (self.ca(), self.me());
        let who = ProgramName {
            enterprise: me.enterprise.clone(),
            program: Program::BorderController,
            server: me.server.clone(),
            name: name.clone(),
            member,
        };
        let leaf = ca.certify_request(request, &who, SystemTime::now(), lifetime)?;
        Ok(vec![leaf, ca.programs.certificate.clone(), ca.root.clone()])
    }

    /// A token for a border controller of this server, which nodes reach at `address` (`host:port`).
    pub fn controller_token(
        &self,
        invitation: String,
        secret: crate::JoinSecret,
        address: String,
        expires_ms: u64,
    ) -> JoinToken {
        let token = self.join_token(invitation, secret, vec![address], expires_ms);
        JoinToken {
            program: Program::BorderController,
            ..token
        }
    }
}
