//! How a machine that nobody knows becomes a node: join tokens, and proofs of knowing them.
//!
//! ```text
//!  joining machine                                  node of the server
//!  ───────────────                                  ──────────────────
//!  token: root's hash, secret                       log: SHA-256 of the secret
//!      TLS 1.3, accepts only the root with that hash
//!      ◄──────────────────────────────────────────►  both derive a binding from the connection
//!  request, secret, HMAC(SHA-256(secret), "joiner" + binding)
//!      ──────────────────────────────────────────►  checks; the token is used up by a log entry
//!  checks ◄─────────────────────────────────────    HMAC(…, "server" + binding), sealed identity
//! ```
//! The proofs are bound to the TLS connection, so that nobody in between can pass them on; who only reads the
//! log or a backup knows the hash, but not the secret, and cannot join with it.

use crate::{
    EnterpriseName, Expected, Identity, IdentityError, JoinError, Program, Refusal, Revocations, ServerCa,
    authority::{Authority, ia5},
    certificate::sha256,
    key::Key,
    tls,
    vault::{self, MachineKey},
    verify::{Trust, Verifier},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{
    Engine as _, engine::general_purpose::STANDARD as BASE64, engine::general_purpose::URL_SAFE_NO_PAD,
};
use plenary_model::{NodeId, NodeName, ServerName};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::Path,
    str::FromStr,
    sync::{Arc, OnceLock},
};
use zeroize::Zeroizing;

/// What every join token starts with.
pub const PREFIX: &str = "plenary-join-";
const VERSION: u8 = 1;
/// Bytes of the checksum at the end of a token, which finds slips of copying.
const CHECKSUM: usize = 4;
/// Addresses of the server that a token may carry.
const ADDRESSES: usize = 32;

/// What only those who have seen the join token know.
#[derive(Clone)]
pub struct JoinSecret(Zeroizing<[u8; 32]>);

impl JoinSecret {
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn random() -> Result<Self, IdentityError> {
        Ok(Self(Zeroizing::new(vault::random()?)))
    }

    /// Reads a secret that came over the network. `None` unless it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of the secret: what the server keeps.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&*self.0)
    }

    /// Compares with what the server kept, in constant time.
    pub fn matches(&self, hash: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.hash(), hash).is_ok()
    }
}

impl fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinSecret(hidden)")
    }
}

/// All that a machine needs to join a server; used once, and soon.
#[derive(Debug, Clone)]
pub struct JoinToken {
    /// What kind of program it is that is joined.
    pub program: Program,
    pub server: ServerName,
    pub enterprise: EnterpriseName,
    /// SHA-256 of the enterprise's root certificate in DER.
    pub root_hash: [u8; 32],
    /// `host:port` of the cluster ports of the server's nodes; tried in this order.
    pub addresses: Vec<String>,
    /// Names the invitation in the server's log.
    pub invitation: String,
    pub secret: JoinSecret,
    /// Milliseconds since 1970.
    pub expires_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct TokenJson {
    v: u8,
    #[serde(default = "node", skip_serializing_if = "is_node")]
    p: Program,
    s: ServerName,
    e: EnterpriseName,
    h: String,
    a: Vec<String>,
    i: String,
    k: String,
    x: u64,
}

/// Tokens of servers do not name their program.
fn node() -> Program {
    Program::Node
}

fn is_node(program: &Program) -> bool {
    *program == Program::Node
}

impl JoinToken {
    /// The token as one word to copy. It is a secret: show it only to whom it is for.
    pub fn encode(&self) -> String {
        let json = TokenJson {
            v: VERSION,
            p: self.program,
            s: self.server.clone(),
            e: self.enterprise.clone(),
            h: URL_SAFE_NO_PAD.encode(self.root_hash),
            a: self.addresses.clone(),
            i: self.invitation.clone(),
            k: URL_SAFE_NO_PAD.encode(self.secret.as_bytes()),
            x: self.expires_ms,
        };
        let mut bytes = Zeroizing::new(serde_json::to_vec(&json).expect("texts and numbers are always JSON"));
        let checksum = sha256(&bytes);
        bytes.extend_from_slice(&checksum[..CHECKSUM]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// # Errors
    /// [`JoinError::Expired`] by the clock given, in milliseconds since 1970.
    pub fn check_time(&self, now_ms: u64) -> Result<(), JoinError> {
        match now_ms.checked_sub(self.expires_ms) {
            Some(ago_ms) => Err(JoinError::Expired { ago_s: ago_ms / 1000 }),
            None => Ok(()),
        }
    }
}

impl FromStr for JoinToken {
    type Err = JoinError;

    fn from_str(text: &str) -> Result<Self, JoinError> {
        let damaged = || JoinError::Damaged;
        let text = text.trim().strip_prefix(PREFIX).ok_or(JoinError::NotAToken)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| damaged())?);
        let (json, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(damaged)?;
        if sha256(json)[..CHECKSUM] != *checksum {
            return Err(damaged());
        }
        #[derive(Deserialize)]
        struct Version {
            v: u8,
        }
        let Version { v } = serde_json::from_slice(json).map_err(|_| damaged())?;
        if v > VERSION {
            return Err(JoinError::Newer);
        }
        let json: TokenJson = serde_json::from_slice(json).map_err(|_| damaged())?;
        let bytes32 = |text: &str| -> Result<[u8; 32], JoinError> {
            URL_SAFE_NO_PAD
                .decode(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(damaged)
        };
        if json.a.is_empty() || json.a.len() > ADDRESSES {
            return Err(damaged());
        }
        Ok(Self {
            program: json.p,
            server: json.s,
            enterprise: json.e,
            root_hash: bytes32(&json.h)?,
            addresses: json.a,
            invitation: json.i,
            secret: JoinSecret(Zeroizing::new(bytes32(&json.k)?)),
            expires_ms: json.x,
        })
    }
}

/// The label of [`binding`], for transports that keep TLS to themselves.
pub const BINDING_LABEL: &[u8] = b"EXPERIMENTAL plenary join";

/// Keying material of a connection (RFC 5705, RFC 8446 §7.5): equal at both ends, different for each connection.
///
/// # Errors
/// Before the handshake is done.
pub fn binding<Data>(connection: &rustls::ConnectionCommon<Data>) -> Result<[u8; 32], rustls::Error> {
    connection.export_keying_material([0; 32], BINDING_LABEL, None)
}

/// Which end of the connection proves something; each has its own proof, so that none can be reflected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Joiner,
    Server,
}

fn derive(hash: &[u8; 32], purpose: &str, binding: &[u8; 32]) -> hmac::Context {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, hash));
    context.update(b"plenary join 1 ");
    context.update(purpose.as_bytes());
    context.update(&[0]);
    context.update(binding);
    context
}

fn purpose(side: Side) -> &'static str {
    match side {
        Side::Joiner => "joiner",
        Side::Server => "server",
    }
}

/// Proof of knowing the token (or, for the server, what it keeps of it) on this connection.
pub fn prove(side: Side, secret_hash: &[u8; 32], binding: &[u8; 32]) -> [u8; 32] {
    let tag = derive(secret_hash, purpose(side), binding).sign();
    let mut proof = [0; 32];
    proof.copy_from_slice(tag.as_ref());
    proof
}

/// Checks the other side's proof, in constant time.
///
/// # Errors
/// [`JoinError::WrongProof`].
pub fn check_proof(
    side: Side,
    secret_hash: &[u8; 32],
    binding: &[u8; 32],
    proof: &[u8],
) -> Result<(), JoinError> {
    verify_slices_are_equal(&prove(side, secret_hash, binding), proof).map_err(|_| JoinError::WrongProof)
}

/// Encrypts what the joiner gets, once more than TLS does: to read it one must know the token as well.
fn parcel_key(secret_hash: &[u8; 32], binding: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let tag = derive(secret_hash, "parcel", binding).sign();
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(tag.as_ref());
    key
}

/// What a joiner gets: the server's issuers and its first certificate.
#[derive(Serialize, Deserialize)]
struct Parcel {
    version: u8,
    root: String,
    programs: String,
    web: String,
    programs_key: Zeroizing<String>,
    web_key: Zeroizing<String>,
    certificate: String,
}

const PARCEL_CONTEXT: &[u8] = b"plenary join parcel 1";

/// Certifies a joiner and packs what it keeps, readable only with the token and on this connection.
pub(crate) fn pack(
    ca: &ServerCa,
    certificate: &CertificateDer<'_>,
    secret_hash: &[u8; 32],
    binding: &[u8; 32],
) -> Result<Vec<u8>, IdentityError> {
    let parcel = Parcel {
        version: VERSION,
        root: BASE64.encode(&ca.root),
        programs: BASE64.encode(&ca.programs.certificate),
        web: BASE64.encode(&ca.web.certificate),
        programs_key: Zeroizing::new(BASE64.encode(ca.programs.key.pkcs8())),
        web_key: Zeroizing::new(BASE64.encode(ca.web.key.pkcs8())),
        certificate: BASE64.encode(certificate),
    };
    let json = serde_json::to_vec(&parcel).map_err(|_| IdentityError::Crypto {
        what: "packing an identity",
    })?;
    vault::seal(
        &parcel_key(secret_hash, binding),
        PARCEL_CONTEXT,
        &Zeroizing::new(json),
    )
}

/// A certificate request (PKCS#10, DER) for a key; whoever certifies takes nothing but the key from it.
pub(crate) fn request_for(key: &Key, name: &str) -> Result<Vec<u8>, IdentityError> {
    let failed = |_| IdentityError::Crypto {
        what: "making a certificate request",
    };
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, rcgen::DnValue::Ia5String(ia5(name)?));
    Ok(params.serialize_request(key).map_err(failed)?.der().to_vec())
}

/// A machine on its way to become a node.
#[derive(Debug)]
pub struct Joining {
    token: JoinToken,
    name: NodeName,
    key: Key,
    found: Arc<OnceLock<CertificateDer<'static>>>,
}

impl Joining {
    /// Starts with a new key; nothing is written before [`Joining::finish`].
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn new(token: JoinToken, name: NodeName) -> Result<Self, IdentityError> {
        Ok(Self {
            token,
            name,
            key: Key::generate()?,
            found: Arc::default(),
        })
    }

    pub fn token(&self) -> &JoinToken {
        &self.token
    }

    /// Connects to nodes of the token's server only, recognised by the hash in the token. Shows no certificate.
    pub fn client_config(&self) -> Arc<rustls::ClientConfig> {
        let verifier = Verifier::new(
            Trust::Hash(self.token.root_hash, self.found.clone()),
            vec![Expected::any(self.token.program).at(&self.token.server)],
            Revocations::default(),
            &tls::provider(),
        );
        tls::between_programs_client(verifier, None)
    }

    /// The enterprise's root, once a handshake has found it.
    pub fn root(&self) -> Option<&CertificateDer<'static>> {
        self.found.get()
    }

    /// The certificate request (PKCS#10, DER).
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn certificate_request(&self) -> Result<Vec<u8>, IdentityError> {
        request_for(&self.key, self.name.as_str())
    }

    /// Our proof of knowing the token, for the connection with this binding.
    pub fn proof(&self, binding: &[u8; 32]) -> [u8; 32] {
        prove(Side::Joiner, &self.token.secret.hash(), binding)
    }

    /// Checks the server's answer and keeps the identity in `folder`.
    ///
    /// # Errors
    /// [`JoinError`] when the answer is not that of a node that knows the token, or its content is not in
    /// order; when the folder cannot be written. Then nothing was kept.
    pub fn finish(
        &self,
        folder: &Path,
        machine: MachineKey,
        member: NodeId,
        binding: &[u8; 32],
        proof: &[u8],
        parcel: &[u8],
    ) -> Result<Identity, IdentityError> {
        let bad = |reason: &str| JoinError::BadAnswer(reason.to_owned());
        let hash = self.token.secret.hash();
        check_proof(Side::Server, &hash, binding, proof)?;
        let json = vault::open(&parcel_key(&hash, binding), PARCEL_CONTEXT, parcel)
            .ok_or_else(|| bad("it cannot be decrypted"))?;
        let parcel: Parcel =
            serde_json::from_slice(&json).map_err(|_| bad("it is not what this version expects"))?;
        let (ca, certificate) = parcel.unpack().map_err(|reason| bad(&reason))?;
        if ca.root_hash() != self.token.root_hash {
            return Err(Refusal::OtherEnterprise.into());
        }
        let scope = ca.scope();
        if scope.program != self.token.program || scope.server != self.token.server {
            return Err(bad(&format!(
                "it makes us a part of {scope}, not of {}",
                self.token.server
            ))
            .into());
        }
        let me = ca.scope().program_named(self.name.clone(), member);
        let facts = crate::certificate::Facts::read(&certificate)?;
        if !facts.is_key_of(&self.key) || facts.uris != [me.to_string()] {
            return Err(bad("its certificate is not ours").into());
        }
        Identity::keep(folder, machine, ca, me)
    }
}

impl Parcel {
    fn unpack(&self) -> Result<(ServerCa, CertificateDer<'static>), String> {
        let certificate = |text: &str| {
            BASE64
                .decode(text)
                .map(CertificateDer::from)
                .map_err(|_| "a certificate in it is damaged".to_owned())
        };
        let authority = |text: &str, key: &str| -> Result<Authority, String> {
            let key = BASE64.decode(key).map(Zeroizing::new).ok();
            let key = key
                .and_then(|key| Key::from_pkcs8(&key))
                .ok_or("a key in it is damaged")?;
            Ok(Authority {
                certificate: certificate(text)?,
                key,
            })
        };
        let ca = ServerCa::assemble(
            certificate(&self.root)?,
            authority(&self.programs, &self.programs_key)?,
            authority(&self.web, &self.web_key)?,
        );
        Ok((
            ca.map_err(|refusal| refusal.to_string())?,
            certificate(&self.certificate)?,
        ))
    }
}
