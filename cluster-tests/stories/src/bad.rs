//! What nobody should send, and what must not be lost by it.

use crate::world::{World, text};
use anyhow::ensure;
use plenary_signalling::meeting::{Refusal, Why};
use serde_json::json;

/// Each is refused with its reason, and the conference is as it was.
pub(crate) async fn bad_input_is_refused_and_changes_nothing(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner
        .conference(json!({ "name": "Fine", "description": "As it is" }))
        .await?;
    let path = format!("/conferences/{room}");
    let before = owner.get(&path).await?;
    let huge = json!({ "description": "x".repeat(10 << 20) });
    owner
        .patch(&path, huge.clone())
        .await?
        .refused(413, "too-large")?;
    owner
        .patch(&path, json!({ "description": "x".repeat(2_001) }))
        .await?
        .refused_field("description")?;
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(129) }), "name"),
        (json!({ "settings": { "podium_places": 0 } }), "podium_places"),
        (
            json!({ "settings": { "participant_limit": 2_001 } }),
            "participant_limit",
        ),
        (
            json!({ "settings": { "moderators": ["nobody-of-this-name"] } }),
            "moderators",
        ),
    ] {
        owner.patch(&path, body).await?.refused_field(field)?;
    }
    for (body, code) in [
        (json!({ "colour": "red" }), "unknown-field"),
        (json!({ "settings": { "mode": "dance" } }), ""),
        (json!({ "owner": "nobody-of-this-name" }), ""),
    ] {
        let answer = owner.patch(&path, body).await?;
        ensure!(
            (400..500).contains(&answer.status),
            "answered with {}",
            answer.status
        );
        ensure!(
            code.is_empty() || answer.body["code"] == code,
            "refused as {}",
            answer.text
        );
    }
    ensure!(
        owner.get(&path).await? == before,
        "something that was refused changed the conference"
    );
    // A member of another room cannot do more.
    let bob = world.account("bob").await?;
    bob.patch(&path, json!({ "name": "Mine" }))
        .await?
        .refused(403, "forbidden")?;
    bob.delete(&path).await?.refused(403, "forbidden")?;
    owner
        .patch("/conferences/not-there-at-all", json!({ "name": "x" }))
        .await?
        .refused(404, "not-found")
}

/// The account of the owner is deleted while people meet: the conference goes, and they are told.
pub(crate) async fn a_conference_goes_with_its_owner(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    world
        .admin()
        .delete(&format!("/users/{}", owner.id))
        .await?
        .is(204)?;
    visitor.out(Why::RoomDeleted).await?;
    host.until("is cut off", |seen| {
        seen.closed.is_some() || !seen.ended.is_empty()
    })
    .await?;
    let gone = bob
        .call(reqwest::Method::GET, &format!("/conferences/{room}"), None)
        .await?;
    gone.refused(404, "not-found")?;
    visitor.knock(&room, None);
    visitor.refused("join", Refusal::NotFound).await?;
    // Whoever gets the ID of the owner later owns nothing of before.
    let body = json!({ "id": owner.id, "password": "a-long-password-9" });
    world.admin().post("/users", body).await?.is(201)?;
    let owned = world
        .admin()
        .get(&format!("/conferences?owner={}", owner.id))
        .await?;
    ensure!(owned["total"] == 0, "the new account owns {owned}");
    // A conference goes to another owner where an administrator says so, and stays.
    let kept = bob.conference(json!({})).await?;
    let carol = world.account("carol").await?;
    let handed = json!({ "owner": carol.id });
    bob.patch(&format!("/conferences/{kept}"), handed.clone())
        .await?
        .refused(403, "forbidden")?;
    let handed = world
        .admin()
        .patch(&format!("/conferences/{kept}"), handed)
        .await?
        .is(200)?;
    ensure!(text(&handed["owner"])? == carol.id);
    world
        .admin()
        .delete(&format!("/users/{}", bob.id))
        .await?
        .is(204)?;
    carol.get(&format!("/conferences/{kept}")).await?;
    Ok(())
}
