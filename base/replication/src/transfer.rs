//! Snapshots on their way: a header with size and hash, then the file in chunks.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::StreamExt;
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    application::AppError,
    link::{Answers, Link, LinkError},
    state::{StateView, open_read_only, read_progress},
    types::{SnapshotMeta, Vote},
    wire,
};

const CHUNK: usize = 256 << 10;

/// Sends the copy at `path`; returns the receiver's answer.
pub(crate) async fn send(
    link: &dyn Link,
    view: &Arc<StateView>,
    vote: Vote,
    path: &Path,
) -> Result<Bytes, LinkError> {
    let owned = path.to_owned();
    let header = view.run_blocking(move || describe(&owned)).await;
    let (meta, size, sha256) = header.map_err(|error| LinkError::Unreachable(error.to_string()))?;
    let header = pb::SnapshotHeader {
        vote: Some(wire::vote_to(&vote)),
        meta,
        size,
        sha256,
    };
    let file = File::open(path).map_err(|error| LinkError::Unreachable(error.to_string()))?;
    let chunks = futures::stream::unfold(file, |mut file| async move {
        // Local, sequential, a quarter of a megabyte at a time: not worth a thread.
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk) {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Bytes::from(chunk), file))
            }
            Err(error) => {
                // The receiver notices by the size.
                tracing::error!(%error, "cannot read a snapshot");
                None
            }
        }
    });
    let opening = Bytes::from(header.encode_to_vec());
    let frames = futures::stream::once(async move { opening })
        .chain(chunks)
        .boxed();
    tracing::info!(size, "sending a snapshot");
    link.install(frames).await
}

fn describe(path: &Path) -> Result<(Bytes, u64, Bytes), AppError> {
    let progress = read_progress(&open_read_only(path)?)?;
    let meta = serde_json::to_vec(&progress.meta()).map_err(|error| AppError::Defect(error.to_string()))?;
    let (size, sha256) = hash(path).map_err(|error| AppError::Defect(error.to_string()))?;
    Ok((meta.into(), size, sha256.into()))
}

/// Size and SHA-256 of a file.
pub(crate) fn hash(path: &Path) -> std::io::Result<(u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((size, hasher.finalize().to_vec())),
            read => {
                size += read as u64;
                hasher.update(chunk.get(..read).unwrap_or_default());
            }
        }
    }
}

/// Receives a copy into a new file and checks it against its header.
pub(crate) async fn receive(
    view: &Arc<StateView>,
    supported_level: u32,
    mut frames: Answers,
) -> Result<(Vote, SnapshotMeta, PathBuf), LinkError> {
    let refused = |text: String| LinkError::Refused(text);
    let opening = frames
        .next()
        .await
        .ok_or_else(|| refused("an empty snapshot".into()))??;
    let header = pb::SnapshotHeader::decode(opening).map_err(|error| refused(error.to_string()))?;
    let vote = wire::required_vote(header.vote.as_ref()).map_err(|error| refused(error.to_string()))?;
    let meta: SnapshotMeta =
        serde_json::from_slice(&header.meta).map_err(|error| refused(error.to_string()))?;
    let path = view.home.scratch();
    let received = receive_file(&path, &header, &mut frames).await;
    let checked = match received {
        Ok(()) => check(view, &path, &meta, supported_level).await,
        Err(error) => Err(error),
    };
    if let Err(error) = checked {
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(file = %path.display(), %error, "cannot remove a refused snapshot");
        }
        return Err(error);
    }
    Ok((vote, meta, path))
}

async fn receive_file(
    path: &Path,
    header: &pb::SnapshotHeader,
    frames: &mut Answers,
) -> Result<(), LinkError> {
    let failed = |error: std::io::Error| LinkError::Refused(format!("cannot write the snapshot: {error}"));
    let mut file = File::create(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut size = 0_u64;
    while let Some(chunk) = frames.next().await {
        let chunk = chunk?;
        size += chunk.len() as u64;
        if size > header.size {
            return Err(LinkError::Refused("the snapshot is longer than it says".into()));
        }
        hasher.update(&chunk);
        file.write_all(&chunk).map_err(failed)?;
    }
    if size != header.size || hasher.finalize().as_slice() != header.sha256.as_ref() {
        return Err(LinkError::Refused(
            "the snapshot does not have the size and hash that it says".into(),
        ));
    }
    Ok(())
}

async fn check(
    view: &Arc<StateView>,
    path: &Path,
    meta: &SnapshotMeta,
    supported_level: u32,
) -> Result<(), LinkError> {
    let owned = path.to_owned();
    let progress = view
        .run_blocking(move || read_progress(&open_read_only(&owned)?))
        .await
        .map_err(|error| LinkError::Refused(format!("the snapshot is not a state: {error}")))?;
    if progress.applied != meta.last_log_id {
        return Err(LinkError::Refused(
            "the snapshot holds another state than it says".into(),
        ));
    }
    if progress.level > supported_level {
        let level = progress.level;
        return Err(LinkError::Refused(format!(
            "rules of level {level}, this version knows up to {supported_level}"
        )));
    }
    Ok(())
}
