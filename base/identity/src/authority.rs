//! Those who certify: the enterprise's root, and for each server the issuers that its nodes hold.

use crate::{
    EnterpriseName, IdentityError, Program, ProgramName, Refusal, Scope,
    certificate::{Facts, Wanted, key_mark, pem, sha256},
    key::Key,
    vault,
};
use plenary_model::ServerName;
use rcgen::{CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints, SanType};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the root counts; people install it in browsers, so it is long.
const ROOT_LIFETIME: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// How long an issuer counts; renewing it takes the root key, which is offline.
const ISSUER_LIFETIME: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);
/// How long a program's certificate counts; renewed by the program itself at two thirds.
pub const PROGRAM_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a certificate for browsers counts; renewed by the node itself at two thirds.
pub const WEB_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The longest lifetime of a program's or web certificate that anybody may ask for.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const ROOT_CERTIFICATE: &str = "root.pem";
const ROOT_KEY: &str = "root.key";

/// The enterprise's root: certifies servers, License Managers and Directories.
///
/// Its folder holds `root.pem` (for everyone) and `root.key` (mode 0600, not encrypted: the folder belongs on a
/// medium that is kept offline; quickstart keeps it in its data folder and says so).
pub struct EnterpriseCa {
    enterprise: EnterpriseName,
    certificate: CertificateDer<'static>,
    key: Key,
    folder: PathBuf,
}

impl EnterpriseCa {
    /// Makes the root of a new enterprise in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`IdentityError::Exists`] if the folder has a root already; when it cannot be written.
    pub fn create(folder: &Path, enterprise: &EnterpriseName) -> Result<Self, IdentityError> {
        vault::make_private_folder(folder)?;
        let key = Key::generate()?;
        let now = SystemTime::now();
        let certificate = Wanted {
            organisation: enterprise.to_string(),
            common_name: format!("Plenary root {}", key_mark(&key)),
            names: Vec::new(),
            purposes: Vec::new(),
            issuer: Some((1, None)),
            from: now,
            until: now + ROOT_LIFETIME,
        }
        .self_signed(&key)?;
        // The key first: a certificate without a key could be handed out and never used.
        let key_file = folder.join(ROOT_KEY);
        vault::create_private(&key_file, key_pem(&key).as_bytes())?;
        std::fs::write(folder.join(ROOT_CERTIFICATE), pem("CERTIFICATE", &certificate))
            .map_err(IdentityError::file(&folder.join(ROOT_CERTIFICATE), "written"))?;
        Ok(Self {
            enterprise: enterprise.clone(),
            certificate,
            key,
            folder: folder.to_owned(),
        })
    }

    /// Opens the root in `folder`.
    ///
    /// # Errors
    /// When files are missing, damaged, do not belong together, or the key is readable by others.
    pub fn open(folder: &Path) -> Result<Self, IdentityError> {
        let (certificate_file, key_file) = (folder.join(ROOT_CERTIFICATE), folder.join(ROOT_KEY));
        let text =
            std::fs::read(&certificate_file).map_err(IdentityError::file(&certificate_file, "read"))?;
        let certificate = CertificateDer::from_pem_slice(&text)
            .map_err(|error| IdentityError::damaged(&certificate_file, error))?;
        let missing = || IdentityError::file(&key_file, "read")(std::io::ErrorKind::NotFound.into());
        let text = vault::read_private(&key_file)?.ok_or_else(missing)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&text)
            .ok()
            .and_then(|der| Key::from_pkcs8(der.secret_pkcs8_der()))
            .ok_or_else(|| IdentityError::damaged(&key_file, "it holds no P-256 key in PKCS#8"))?;
        if !Facts::read(&certificate)?.is_key_of(&key) {
            return Err(IdentityError::damaged(
                &key_file,
                "it is not the key of root.pem beside it",
            ));
        }
        let enterprise = organisation(&certificate)
            .ok_or_else(|| IdentityError::damaged(&certificate_file, "it names no enterprise"))?;
        Ok(Self {
            enterprise,
            certificate,
            key,
            folder: folder.to_owned(),
        })
    }

    pub fn enterprise(&self) -> &EnterpriseName {
        &self.enterprise
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The root certificate in PEM, for browsers and operating systems.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// Makes the issuers of one server (License Manager, Directory) with new keys.
    ///
    /// `domains` are DNS domains besides `server` under which its nodes are reached by browsers.
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn certify(
        &self,
        program: Program,
        server: &ServerName,
        domains: &[String],
    ) -> Result<ServerCa, IdentityError> {
        let scope = Scope {
            enterprise: self.enterprise.clone(),
            program,
            server: server.clone(),
        };
        let programs = Key::generate()?;
        let programs_certificate = self.issue(
            &programs,
            "Plenary programs",
            vec![SanType::URI(ia5(&scope.to_string())?)],
            vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            no_names(),
        )?;
        let web = Key::generate()?;
        let web_certificate = self.issue(
            &web,
            "Plenary web",
            Vec::new(),
            vec![ExtendedKeyUsagePurpose::ServerAuth],
            web_names(server, domains),
        )?;
        Ok(ServerCa {
            scope,
            root: self.certificate.clone(),
            programs: Authority {
                certificate: programs_certificate,
                key: programs,
            },
            web: Authority {
                certificate: web_certificate,
                key: web,
            },
        })
    }

    fn issue(
        &self,
        key: &Key,
        title: &str,
        names: Vec<SanType>,
        purposes: Vec<ExtendedKeyUsagePurpose>,
        constraints: NameConstraints,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        let now = SystemTime::now();
        Wanted {
            organisation: self.enterprise.to_string(),
            common_name: format!("{title} {}", key_mark(key)),
            names,
            purposes,
            issuer: Some((0, Some(constraints))),
            from: now,
            until: now + ISSUER_LIFETIME,
        }
        .signed_by(key, &self.certificate, &self.key)
    }
}

impl fmt::Debug for EnterpriseCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            enterprise, folder, ..
        } = self;
        f.debug_struct("EnterpriseCa")
            .field("enterprise", enterprise)
            .field("folder", folder)
            .finish_non_exhaustive()
    }
}

fn key_pem(key: &Key) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(pem("PRIVATE KEY", key.pkcs8()))
}

fn organisation(certificate: &CertificateDer<'_>) -> Option<EnterpriseName> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let subject = certificate.subject();
    subject.iter_organization().next()?.as_str().ok()?.parse().ok()
}

pub(crate) fn ia5(text: &str) -> Result<rcgen::string::Ia5String, IdentityError> {
    text.try_into().map_err(|_| IdentityError::Crypto {
        what: "writing a name into a certificate",
    })
}

/// Issuers of programs certify no DNS name and no address at all: what they make is of no use towards a browser,
/// even one that trusts the enterprise's root.
fn no_names() -> NameConstraints {
    NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![
            GeneralSubtree::DnsName(String::new()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    }
}

/// Names that exist only inside of a network or machine (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
const PRIVATE_DOMAINS: &[&str] = &["localhost", "local", "internal", "home.arpa"];
/// Addresses that are not on the internet (RFC 1918, 6598, 3927, 1122, 4193, 4291).
const PRIVATE_NETWORKS_V4: &[([u8; 4], u8)] = &[
    ([127, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([169, 254, 0, 0], 16),
    ([100, 64, 0, 0], 10),
];
const PRIVATE_NETWORKS_V6: &[(u128, u8)] = &[(1, 128), (0xfc00 << 112, 7), (0xfe80 << 112, 10)];

/// What a server's web issuer may certify: its own name and what is below, private names and addresses, and
/// `domains`. So a browser that trusts the root does not trust a stolen node for the rest of the internet.
fn web_names(server: &ServerName, domains: &[String]) -> NameConstraints {
    let own = std::iter::once(server.as_str()).chain(domains.iter().map(String::as_str));
    let names = own
        .chain(PRIVATE_DOMAINS.iter().copied())
        .map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let v4 = PRIVATE_NETWORKS_V4
        .iter()
        .map(|(net, bits)| CidrSubnet::V4(*net, mask_v4(*bits)));
    let v6 = PRIVATE_NETWORKS_V6
        .iter()
        .map(|(net, bits)| CidrSubnet::V6(net.to_be_bytes(), mask_v6(*bits)));
    NameConstraints {
        permitted_subtrees: names.chain(v4.chain(v6).map(GeneralSubtree::IpAddress)).collect(),
        excluded_subtrees: Vec::new(),
    }
}

fn mask_v4(bits: u8) -> [u8; 4] {
    (u32::MAX << (32 - u32::from(bits))).to_be_bytes()
}

fn mask_v6(bits: u8) -> [u8; 16] {
    (u128::MAX << (128 - u32::from(bits))).to_be_bytes()
}

/// A certificate and its key.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Key,
}

/// The issuers of one server, held by each of its nodes: one for programs, one for web pages.
pub struct ServerCa {
    pub(crate) scope: Scope,
    pub(crate) root: CertificateDer<'static>,
    pub(crate) programs: Authority,
    pub(crate) web: Authority,
}

impl ServerCa {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// SHA-256 of the root certificate, by which join tokens recognise the enterprise.
    pub fn root_hash(&self) -> [u8; 32] {
        sha256(&self.root)
    }

    /// Puts the parts together and checks that they belong together.
    pub(crate) fn assemble(
        root: CertificateDer<'static>,
        programs: Authority,
        web: Authority,
    ) -> Result<Self, Refusal> {
        let root_facts = Facts::read(&root)?;
        let facts = Facts::read(&programs.certificate)?;
        let web_facts = Facts::read(&web.certificate)?;
        if !(root_facts.is_authority
            && facts.is_signed_by(&root_facts)
            && web_facts.is_signed_by(&root_facts))
        {
            return Err(Refusal::OtherEnterprise);
        }
        if !(facts.is_key_of(&programs.key) && web_facts.is_key_of(&web.key)) {
            return Err(Refusal::Malformed("a key is not that of its certificate".into()));
        }
        let scope = scope_of(&facts)?;
        Ok(Self {
            scope,
            root,
            programs,
            web,
        })
    }

    /// Certifies a program with this public key.
    pub(crate) fn issue(
        &self,
        who: &ProgramName,
        public: &impl rcgen::PublicKeyData,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        if !self.scope.covers(who) {
            return Err(Refusal::OutOfScope {
                leaf: who.to_string(),
                issuer: self.scope.to_string(),
            }
            .into());
        }
        Wanted {
            organisation: self.scope.enterprise.to_string(),
            common_name: who.name.to_string(),
            names: vec![SanType::URI(ia5(&who.to_string())?)],
            purposes: vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            issuer: None,
            from: now,
            until: self.end(&self.programs, now, lifetime)?,
        }
        .signed_by(public, &self.programs.certificate, &self.programs.key)
    }

    /// Certifies a program whose request (PKCS#10, DER) came over the network. Only the request's public key is
    /// taken; what else it asks for counts nothing.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] if it cannot be read, its signature is wrong or its key is not of P-256;
    /// [`Refusal::OutOfScope`] if `who` is not of this server.
    pub fn certify_request(
        &self,
        request: &[u8],
        who: &ProgramName,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        let request = rcgen::CertificateSigningRequestParams::from_der(&request.into())
            .map_err(|error| Refusal::BadRequest(error.to_string()))?;
        if *request.public_key.algorithm() != rcgen::PKCS_ECDSA_P256_SHA256 {
            return Err(Refusal::BadRequest("its key must be ECDSA on P-256 with SHA-256".into()).into());
        }
        self.issue(who, &request.public_key, now, lifetime)
    }

    /// Certifies names and addresses for browsers.
    pub(crate) fn issue_web(
        &self,
        names: Vec<SanType>,
        title: &str,
        key: &Key,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        Wanted {
            organisation: self.scope.enterprise.to_string(),
            common_name: title.chars().take(64).collect(),
            names,
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            issuer: None,
            from: now,
            until: self.end(&self.web, now, lifetime)?,
        }
        .signed_by(key, &self.web.certificate, &self.web.key)
    }

    /// When the issuers are over: before, the holder of the root key must make new ones.
    pub fn expires(&self) -> SystemTime {
        let until = |issuer: &Authority| Facts::read(&issuer.certificate).map(|facts| facts.until);
        until(&self.programs)
            .into_iter()
            .chain(until(&self.web))
            .min()
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The end of a certificate made now: never after its issuer's.
    fn end(
        &self,
        issuer: &Authority,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<SystemTime, IdentityError> {
        let issuer = Facts::read(&issuer.certificate)?.until;
        if issuer <= now + DAY / 24 {
            return Err(IdentityError::IssuerExpired {
                scope: self.scope.to_string(),
            });
        }
        Ok(issuer.min(now + lifetime.min(LONGEST)))
    }
}

impl fmt::Debug for ServerCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCa")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// The scope in an issuer's certificate.
pub(crate) fn scope_of(issuer: &Facts) -> Result<Scope, Refusal> {
    let not = |reason: &str| Refusal::NotAProgram(reason.to_owned());
    if !issuer.is_authority {
        return Err(not("it was issued by somebody who must not issue"));
    }
    match issuer.uris.as_slice() {
        [uri] => Scope::parse(uri).ok_or_else(|| not("its issuer's scope cannot be read")),
        _ => Err(not(
            "its issuer has no scope (certificates for web pages have such issuers)",
        )),
    }
}

/// Whether an issuer with these subtrees may certify the name.
pub(crate) fn permits(permitted: &[crate::certificate::Subtree], name: &SanType) -> bool {
    use crate::certificate::Subtree;
    permitted.iter().any(|subtree| match (subtree, name) {
        (Subtree::Domain(domain), SanType::DnsName(name)) => {
            let name = name.as_str();
            name == domain
                || name
                    .strip_suffix(domain.as_str())
                    .is_some_and(|front| front.ends_with('.'))
        }
        (Subtree::Network(network), SanType::IpAddress(address)) => {
            let address = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            let (base, mask) = network.split_at(network.len() / 2);
            base.len() == address.len()
                && address
                    .iter()
                    .zip(mask)
                    .zip(base)
                    .all(|((byte, mask), base)| byte & mask == *base)
        }
        _ => false,
    })
}
