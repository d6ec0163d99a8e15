//! Pictures of users: checked by what they are, not by what they say they are.

use crate::{
    answer,
    api::Api,
    auth::Signed,
    extract::{BodyDigest, IfNoneMatch, Write, media_type, read_body},
    problem::{Code, Problem},
};
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plenary_access::{Avatar, Change};
use plenary_model::{UserName, limits};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// A picture of at most 256 KiB.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)] // Describes bytes that never take this form.
pub(crate) struct AvatarBytes(Vec<u8>);

/// The media type that the first bytes of a picture show.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The picture of `user`, or 404.
pub(crate) async fn serve(api: &Api, user: UserName, known: &IfNoneMatch) -> Result<Response, Problem> {
    let Some(avatar) = api.backend().avatar(user.clone()).await? else {
        return Err(Problem::not_found("picture of", user.as_str()));
    };
    Ok(shown(avatar, known, "private, no-cache"))
}

/// A picture for a reader, or 304 if they have it.
pub(crate) fn shown(picture: Avatar, known: &IfNoneMatch, caching: &'static str) -> Response {
    let digest = Sha256::digest(&picture.bytes);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12]));
    let mut response = if known.has(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_str(&picture.media_type)
            .unwrap_or(HeaderValue::from_static("application/octet-stream"));
        ([(header::CONTENT_TYPE, kind)], picture.bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(&tag).expect("Base64 in quotes"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// Stores the body of `request` as the picture of `user`.
pub(crate) async fn store(
    api: &Api,
    by: &Signed,
    write: &Write,
    user: UserName,
    request: Request,
) -> Result<Response, Problem> {
    let kinds = ["image/png", "image/jpeg", "image/webp"];
    let (avatar, digest) = read(request, &kinds, limits::AVATAR_BYTES).await?;
    let change = Change::SetAvatar {
        id: user,
        avatar: Some(avatar),
    };
    Ok(answer::done(
        &api.propose(write.command(by, digest, change)).await?,
    ))
}

/// Reads a picture of one of `kinds`, of at most so many bytes.
pub(crate) async fn read(
    request: Request,
    kinds: &[&str],
    most: usize,
) -> Result<(Avatar, BodyDigest), Problem> {
    let said = media_type(request.headers());
    if !kinds.contains(&said.as_str()) {
        let detail = format!("pictures are {}, not {said:?}", kinds.join(" or "));
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let bytes = read_body(request, most).await?;
    let Some(kind) = kind_of(&bytes).filter(|kind| *kind == said) else {
        let detail = format!("the content is not {said}; send the picture as what it is");
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    };
    let digest = BodyDigest::of(&bytes);
    let avatar = Avatar {
        media_type: kind.into(),
        bytes: bytes.into(),
    };
    Ok((avatar, digest))
}
