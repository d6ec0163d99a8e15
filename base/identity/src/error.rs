use std::path::{Path, PathBuf};

/// Why something with keys or certificates could not be done. The texts are sentences for operators.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file or folder could not be read or written.
    #[error("{} cannot be {doing}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// A key file that more than its owner can read or write.
    #[error("the key file {} may be read or changed by others; run: chmod 600 {}", path.display(), path.display())]
    Exposed { path: PathBuf },
    /// Something of that kind is there already, and replacing it would cut off all who trust it.
    #[error("{} exists already; give another folder, or move it away if it is no longer needed", path.display())]
    Exists { path: PathBuf },
    /// A file whose content is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// The keys cannot be decrypted.
    #[error(
        "the keys in {} cannot be decrypted: the machine key is another one, or the file was changed; \
         restore both files together, or remove this node from the server and let it join again",
        path.display()
    )]
    Sealed { path: PathBuf },
    /// Written by a version that this one does not know.
    #[error("{} was written by a newer version (format {format}); start that version", path.display())]
    Newer { path: PathBuf, format: u32 },
    /// The certificate that signs this server's certificates is over: only the root key can make another one.
    #[error(
        "the issuing certificate of {scope} expired; the holder of the enterprise's root key must renew it"
    )]
    IssuerExpired { scope: String },
    /// A name that is not one.
    #[error(transparent)]
    Name(#[from] plenary_model::ParseError),
    /// A certificate, request or list of another one that cannot be used.
    #[error(transparent)]
    Refused(#[from] crate::Refusal),
    /// A join token or proof that cannot be used.
    #[error(transparent)]
    Join(#[from] crate::JoinError),
    /// Our own side of cryptography failed: out of memory, no randomness.
    #[error("{what} failed in the cryptographic library")]
    Crypto { what: &'static str },
}

impl IdentityError {
    pub(crate) fn file(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, doing, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Why the certificate, request or list of somebody else was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the certificate cannot be read: {0}")]
    Malformed(String),
    #[error("the certificate came without the one that issued it")]
    NoIssuer,
    #[error("the certificate belongs to another enterprise: its chain does not end in our root certificate")]
    OtherEnterprise,
    #[error("the certificate of {who} expired {ago_s} s ago; compare the clocks of both machines")]
    Expired { who: String, ago_s: u64 },
    #[error("the certificate of {who} is valid only in {in_s} s; compare the clocks of both machines")]
    NotYetValid { who: String, in_s: u64 },
    #[error("the certificate is not for a program of Plenary: {0}")]
    NotAProgram(String),
    #[error("the certificate was issued outside of its scope: {issuer} may not certify {leaf}")]
    OutOfScope { leaf: String, issuer: String },
    #[error("the certificate is that of {found}, but {expected} was expected")]
    Unexpected { found: String, expected: String },
    #[error("the certificate of {who} was revoked")]
    Revoked { who: String },
    #[error("the certificate request is not valid: {0}")]
    BadRequest(String),
    #[error("the revocation list is not valid: {0}")]
    BadRevocations(String),
    #[error("what the server wants cannot be used: {0}")]
    BadPolicy(String),
}

/// Why a join token or a proof of knowing it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    #[error("this is not a join token: it must start with {}", crate::join::PREFIX)]
    NotAToken,
    #[error("the join token is incomplete or was changed; copy it whole, in one line")]
    Damaged,
    #[error("the join token is of a newer version; install the version of the server that made it")]
    Newer,
    #[error(
        "the join token expired {ago_s} s ago; ask for a new one, and compare the clocks of both machines"
    )]
    Expired { ago_s: u64 },
    #[error(
        "the proof of knowing the join token is wrong: the token is another one, or somebody is in between"
    )]
    WrongProof,
    #[error("the join token is for a {program}; make the one for this program")]
    OtherProgram { program: crate::Program },
    #[error("the other side's answer to the join request cannot be used: {0}")]
    BadAnswer(String),
}
