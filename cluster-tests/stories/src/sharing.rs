//! What strangers are shown of public conferences: their page, the widget for other sites (CONF-16), and of the server
//! (WEB-01).

use crate::world::World;
use anyhow::ensure;
use serde_json::json;

const HOST: &str = "meet.example.com";

/// Any site may frame the widget and nothing else, and it is the same for every address.
pub(crate) async fn other_sites_show_a_conference_and_nothing_else(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let schedule =
        json!({ "date": "2090-03-06", "time": "09:30", "zone": "Europe/Paris", "duration_minutes": 60 });
    let fields = json!({ "name": "Open day", "description": "All are welcome", "access": "public", "schedule": schedule });
    let room = owner.conference(fields).await?;
    let inside = owner.conference(json!({ "name": "Board" })).await?;
    let widget = world.browse(HOST, &format!("/w/{room}")).await?;
    ensure!(widget.status == 200, "the widget is not there: {}", widget.text);
    let policy = widget.header("content-security-policy");
    ensure!(
        policy.contains("frame-ancestors *") && widget.header("x-frame-options").is_empty(),
        "other sites cannot frame it: {policy}"
    );
    ensure!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "it may load what it likes: {policy}"
    );
    ensure!(
        widget.header("permissions-policy").contains("camera=()"),
        "a frame may ask for the camera"
    );
    ensure!(
        widget.header("set-cookie").is_empty(),
        "it leaves something behind"
    );
    for other in [inside.as_str(), "no-such-conference"] {
        let same = world.browse(HOST, &format!("/w/{other}")).await?;
        ensure!(
            same.status == 200 && same.text == widget.text,
            "it tells which conferences there are"
        );
    }
    for path in [
        "/",
        "/w",
        &format!("/m/{room}"),
        &format!("/api/v1/conferences/{room}/door"),
    ] {
        let page = world.browse(HOST, path).await?;
        let policy = page.header("content-security-policy");
        ensure!(
            page.header("x-frame-options") == "DENY" && policy.contains("frame-ancestors 'none'"),
            "{path} may be framed: {policy}"
        );
    }
    // What the widget and the page show is what is told at the door.
    let door = |room: &str| format!("/conferences/{room}/door");
    let stranger = world.stranger();
    let shown = stranger.get(&door(&room)).await?;
    ensure!(
        shown["name"] == "Open day"
            && shown["description"] == "All are welcome"
            && shown["open"] == false
            && shown["next"]["start"] == "2090-03-06T08:30:00.000Z",
        "strangers see {shown}"
    );
    ensure!(
        shown.get("owner").is_none() && shown.get("settings").is_none(),
        "strangers see too much: {shown}"
    );
    owner.act(&room, json!({ "act": "start" })).await?.is(204)?;
    ensure!(
        stranger.get(&door(&room)).await?["open"] == true,
        "strangers do not see that it has begun"
    );
    for hidden in [inside.as_str(), "no-such-conference"] {
        let answer = stranger.call(reqwest::Method::GET, &door(hidden), None).await?;
        answer.refused(404, "not-found")?;
    }
    Ok(())
}

/// Told alone: it changes what all strangers see.
pub(crate) async fn the_front_page_is_as_its_hosts_say(world: World) -> anyhow::Result<()> {
    let (admin, bob) = (world.admin(), world.account("bob").await?);
    let before = admin.get("/settings").await?["front_page"].clone();
    let page = json!({ "front_page": { "title": "Our house", "help": "Ask the desk.", "contacts": "1234",
        "guide": "https://www.example.com/guide" } });
    bob.patch("/settings", page.clone())
        .await?
        .refused(403, "forbidden")?;
    admin.patch("/settings", page).await?.is(200)?;
    let script = json!({ "front_page": { "title": "", "help": "", "guide": "javascript:alert(1)" } });
    ensure!(
        admin.patch("/settings", script).await?.status == 422,
        "a script is an address of a guide"
    );
    let logo = b"\x89PNG\r\n\x1a\nand the rest".to_vec();
    bob.upload("/logos/light", "image/png", logo.clone())
        .await?
        .refused(403, "forbidden")?;
    admin.upload("/logos/light", "image/png", logo).await?.is(204)?;
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
    admin
        .upload("/logos/light", "image/svg+xml", drawing)
        .await?
        .refused(415, "unsupported-media-type")?;
    let stranger = world.stranger();
    // Each node has it.
    for _ in world.urls() {
        let seen = stranger.get("/server").await?;
        ensure!(
            seen["title"] == "Our house"
                && seen["help"] == "Ask the desk."
                && seen["guide"] == "https://www.example.com/guide"
                && seen["administration"] == true
                && seen["logo"]["light"].is_string()
                && seen["logo"]["dark"].is_null(),
            "strangers see {seen}"
        );
    }
    let shown = world.browse(HOST, "/api/v1/logos/light").await?;
    ensure!(
        shown.status == 200 && shown.header("content-type") == "image/png",
        "the logo is {} {}",
        shown.status,
        shown.header("content-type")
    );
    // Five documents, of 100,000 characters each.
    let document = |text: String| json!({ "title": "Terms", "text": text });
    admin
        .put("/documents/6", document("x".into()))
        .await?
        .refused(404, "not-found")?;
    admin
        .put("/documents/5", document("x".repeat(100_001)))
        .await?
        .refused_field("text")?;
    admin
        .put("/documents/5", document("x".repeat(100_000)))
        .await?
        .is(200)?;
    let read = stranger.get("/documents/5").await?;
    ensure!(
        read["text"].as_str().map(str::len) == Some(100_000),
        "a long document is not read whole"
    );
    admin.delete("/documents/5").await?.is(204)?;
    admin.delete("/logos/light").await?.is(204)?;
    admin
        .patch("/settings", json!({ "front_page": before }))
        .await?
        .is(200)?;
    Ok(())
}
