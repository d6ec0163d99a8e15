//! When scheduled conferences take place where the clocks change (CONF-02), and their files for calendars (CONF-16).

use crate::world::{Account, World, text};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// By which people know the server, as a proxy in front of it says.
const HOST: &str = "meet.example.com";

/// Sundays at half past two in Paris, from this one on.
fn nights(from: &str) -> Value {
    json!({ "date": from, "time": "02:30", "zone": "Europe/Paris", "duration_minutes": 60,
        "weekdays": ["sunday"], "count": 3 })
}

/// When the own conferences begin in this time.
async fn starts(who: &Account, from: &str, until: &str) -> anyhow::Result<Vec<String>> {
    let path = format!("/me/agenda?from={from}T00:00:00Z&until={until}T00:00:00Z");
    let agenda = who.get(&path).await?;
    let items = agenda["items"].as_array().context("an agenda has items")?;
    items.iter().map(|item| text(&item["start"])).collect()
}

/// The clocks leap over its hour in March, and show it twice in October: it takes place each time, once.
pub(crate) async fn a_weekly_night_takes_place_once_when_the_clocks_change(
    world: World,
) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let fields = json!({ "schedule": nights("2090-03-19"), "settings": { "invited": [bob.id] } });
    let room = owner.conference(fields).await?;
    let path = format!("/conferences/{room}");
    let spring = [
        "2090-03-19T01:30:00.000Z",
        // There is no 02:30: it is 03:30 in summer.
        "2090-03-26T01:30:00.000Z",
        "2090-04-02T00:30:00.000Z",
    ];
    for who in [&owner, &bob] {
        let found = starts(who, "2090-03-12", "2090-05-01").await?;
        ensure!(found == spring, "in March it takes place {found:?}");
    }
    // It may begin in the gap.
    let patch = json!({ "schedule": nights("2090-03-26") });
    let next = owner.patch(&path, patch).await?.is(200)?["next"].clone();
    ensure!(
        next == json!({ "start": "2090-03-26T01:30:00.000Z", "end": "2090-03-26T02:30:00.000Z" }),
        "in the gap it takes place {next}"
    );
    let patch = json!({ "schedule": nights("2090-10-22") });
    owner.patch(&path, patch).await?.is(200)?;
    let autumn = [
        "2090-10-22T00:30:00.000Z",
        // The first of the two.
        "2090-10-29T00:30:00.000Z",
        "2090-11-05T01:30:00.000Z",
    ];
    let found = starts(&owner, "2090-10-15", "2090-12-01").await?;
    ensure!(found == autumn, "in October it takes place {found:?}");
    // Once, in the gap and in the hour that comes twice; programs may not agree on either, so neither is left to them.
    for (date, start, line) in [
        (
            "2090-03-26",
            "2090-03-26T01:30:00.000Z",
            "DTSTART;TZID=Europe/Paris:20900326T033000",
        ),
        (
            "2090-10-29",
            "2090-10-29T00:30:00.000Z",
            "DTSTART:20901029T003000Z",
        ),
    ] {
        let once = json!({ "date": date, "time": "02:30", "zone": "Europe/Paris", "duration_minutes": 60 });
        let changed = owner.patch(&path, json!({ "schedule": once })).await?.is(200)?;
        ensure!(
            changed["next"]["start"] == start,
            "on {date} it begins at {}",
            changed["next"]
        );
        let file = File::of(&owner, &room).await?;
        ensure!(file.has(line), "the file has no {line}: {:?}", file.0);
    }
    Ok(())
}

/// The lines of a calendar file, each whole.
struct File(Vec<String>);

impl File {
    async fn of(who: &Account, room: &str) -> anyhow::Result<Self> {
        let path = format!("/conferences/{room}/calendar");
        let answer = who.call(reqwest::Method::GET, &path, None).await?;
        ensure!(answer.status == 200, "a file for calendars: {}", answer.text);
        Self::read(&answer.text)
    }

    /// RFC 5545 §3.1: each line ends with CR and LF, has at most 75 octets, and goes on in the next if that begins with a
    /// blank.
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut whole: Vec<String> = Vec::new();
        ensure!(text.ends_with("\r\n"), "the last line has no end");
        for line in text.trim_end_matches("\r\n").split("\r\n") {
            ensure!(line.len() <= 75, "a line of {} octets: {line}", line.len());
            ensure!(
                !line.is_empty() && !line.contains(['\r', '\n']),
                "a line that ends otherwise: {line:?}"
            );
            match line.strip_prefix(' ') {
                Some(more) => whole
                    .last_mut()
                    .context("it begins with half a line")?
                    .push_str(more),
                None => whole.push(line.to_owned()),
            }
        }
        Ok(Self(whole))
    }

    fn has(&self, line: &str) -> bool {
        self.0.iter().any(|one| one == line)
    }

    /// What stands after this in the one line that begins with it.
    fn after(&self, name: &str) -> anyhow::Result<&str> {
        let mut found = self.0.iter().filter_map(|line| line.strip_prefix(name));
        let first = found
            .next()
            .with_context(|| format!("no {name} in {:?}", self.0))?;
        ensure!(found.next().is_none(), "{name} is there twice: {:?}", self.0);
        Ok(first)
    }

    /// Each part that begins ends, inner ones first, and nothing stands outside.
    fn is_nested(&self) -> anyhow::Result<()> {
        let mut open: Vec<&str> = Vec::new();
        for line in &self.0 {
            if let Some(part) = line.strip_prefix("BEGIN:") {
                open.push(part);
            } else if let Some(part) = line.strip_prefix("END:") {
                ensure!(open.pop() == Some(part), "{part} ends where it has not begun");
            }
            ensure!(
                !open.is_empty() || line == "END:VCALENDAR",
                "{line} stands outside"
            );
        }
        Ok(())
    }

    /// The zone by which it begins is described, with all that programs need of it.
    fn describes_its_zone(&self) -> anyhow::Result<()> {
        let zone = self.after("TZID:")?;
        self.after(&format!("DTSTART;TZID={zone}:"))?;
        let count = |line: &str| self.0.iter().filter(|one| one.starts_with(line)).count();
        let onsets = count("BEGIN:STANDARD") + count("BEGIN:DAYLIGHT");
        ensure!(
            onsets >= 2 && count("TZOFFSETFROM:") == onsets && count("TZOFFSETTO:") == onsets,
            "the zone is not described: {:?}",
            self.0
        );
        Ok(())
    }
}

/// As Google Calendar and Thunderbird accept it, by whichever node, and known again when it has changed.
pub(crate) async fn calendars_take_the_file_and_know_it_again(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let long = "Ünïcödé 🎉, long; with \\ and\nBEGIN:VEVENT\nlines. ".repeat(30);
    let schedule = json!({ "date": "2090-03-06", "time": "09:30", "zone": "Europe/Paris", "duration_minutes": 90,
        "weekdays": ["monday", "thursday"], "until": "2090-06-30" });
    let fields = json!({ "name": "Budget, review; final", "description": long, "access": "public", "schedule": schedule });
    let room = owner.conference(fields).await?;
    let path = format!("/conferences/{room}");
    let shown = world
        .browse(HOST, &format!("/api/v1{path}/door/calendar"))
        .await?;
    ensure!(
        shown.status == 200,
        "strangers get {}: {}",
        shown.status,
        shown.text
    );
    let kind = shown.header("content-type");
    ensure!(
        kind.starts_with("text/calendar; charset=utf-8"),
        "it is served as {kind}"
    );
    let name = shown.header("content-disposition");
    ensure!(
        name.contains("filename=") && name.contains(".ics"),
        "it has no name for a file: {name}"
    );
    let file = File::read(&shown.text)?;
    file.is_nested()?;
    file.describes_its_zone()?;
    for line in [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".into(),
        "METHOD:PUBLISH".into(),
        "SUMMARY:Budget\\, review\\; final".into(),
        "DTSTART;TZID=Europe/Paris:20900306T093000".into(),
        "DURATION:PT1H30M".into(),
        // Where the start has a zone, the end of a rule is in UTC.
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20900629T073000Z".into(),
        format!("URL:https://{HOST}/m/{room}"),
    ] {
        ensure!(file.has(&line), "{line} is not in {:?}", file.0);
    }
    file.after("PRODID:")?;
    let said = file.after("DESCRIPTION:")?;
    ensure!(
        said.starts_with("Ünïcödé 🎉\\, long\\; with \\\\ and\\nBEGIN:VEVENT\\nlines.")
            && said.ends_with(&format!("https://{HOST}/m/{room}")),
        "the description is {said}"
    );
    ensure!(
        file.0.iter().filter(|line| *line == "BEGIN:VEVENT").count() == 1,
        "a text has begun an event"
    );
    let stamp = file.after("DTSTAMP:")?;
    ensure!(
        stamp.len() == 16 && stamp.ends_with('Z') && stamp.as_bytes().get(8) == Some(&b'T'),
        "it was made at {stamp}"
    );
    // Another version of the same: with another ID of the conference, too.
    let version = |file: &File| anyhow::Ok(file.after("SEQUENCE:")?.parse::<u32>()?);
    let other = world.name("budget");
    owner.patch(&path, json!({ "cid": other })).await?.is(200)?;
    let changed = File::of(&owner, &other).await?;
    ensure!(
        changed.after("UID:")? == file.after("UID:")? && version(&changed)? > version(&file)?,
        "it is not known again: {:?} after {:?}",
        changed.0,
        file.0
    );
    // What strangers may not know has no file for them, and what has no time has none.
    let path = format!("/conferences/{other}");
    let door = format!("{path}/door/calendar");
    let get = async |path: &str| world.stranger().call(reqwest::Method::GET, path, None).await;
    owner
        .patch(&path, json!({ "access": "internal" }))
        .await?
        .is(200)?;
    get(&door).await?.refused(404, "not-found")?;
    let always = json!({ "access": "public", "launch": "virtual_room" });
    owner.patch(&path, always).await?.is(200)?;
    get(&door).await?.refused(404, "not-found")
}
