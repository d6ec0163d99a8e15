//! Stories: what the product promises row by row (docs/status.md), told through the public REST and signalling interfaces
//! alone, on a server of three nodes.
//!
//! `cargo xtask test --only stories` starts the server and tells all of them. Each call goes to another node than the one
//! before. A story makes its own people and conferences, so that all are told at once; those that lose a node come last.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

mod bad;
mod calendars;
mod calls;
mod chat;
mod doors;
mod ids;
mod launch;
mod layouts;
mod lectures;
mod lines;
mod lost;
mod moderation;
mod modes;
mod people;
mod registration;
mod rooms;
mod sharing;
mod smart;
mod visitor;
mod watchers;
mod webinars;
mod world;
mod zones;

use anyhow::Context as _;
use futures::{StreamExt as _, future::BoxFuture, stream};
use std::time::{Duration, Instant};
use world::World;

/// So many are told at once: what they wait for takes longer than what they do.
const AT_ONCE: usize = 6;
/// One that is not over by then never will be.
const LONGEST: Duration = Duration::from_secs(120);

/// A row, the name of a story of it, and the story.
struct Story {
    row: &'static str,
    name: &'static str,
    tell: fn(World) -> BoxFuture<'static, anyhow::Result<()>>,
}

macro_rules! stories {
    ($($row:literal $module:ident $name:ident,)*) => {
        vec![$(Story {
            row: $row,
            name: stringify!($name),
            tell: |world| Box::pin($module::$name(world)),
        }),*]
    };
}

fn at_once() -> Vec<Story> {
    stories! {
        "CALL-01" calls a_missed_call_stands_in_the_history_on_all_devices,
        "CONF-02" launch a_schedule_begins_is_put_off_and_ends,
        "CONF-14" launch a_schedule_calls_who_is_invited_and_a_moderator_calls_again,
        "CONF-15" launch who_is_alone_has_a_quarter_of_an_hour,
        "CONF-01" modes all_on_screen_everybody_is_seen_and_heard,
        "CONF-01" modes in_a_smart_meeting_who_speaks_takes_the_podium,
        "CONF-01" modes on_a_podium_only_who_has_a_place_is_seen,
        "CONF-01" modes in_a_lecture_listeners_see_the_lecturer_alone,
        "CONF-01" lectures who_is_named_lectures_and_others_stand_in,
        "CONF-01" lectures a_lecture_is_handed_over,
        "CONF-01" smart the_longest_silent_leaves_and_who_is_pinned_stays,
        "CONF-01" smart one_place_changes_at_most_every_two_seconds,
        "CONF-02" launch a_room_is_open_from_the_first_to_the_last,
        "CONF-02" launch one_device_is_in_one_place,
        "CONF-02" launch a_moderator_opens_it_by_hand_and_ends_it_for_all,
        "CONF-02" launch a_schedule_keeps_its_hour_when_the_clocks_change,
        "CONF-02" calendars a_weekly_night_takes_place_once_when_the_clocks_change,
        "CONF-03" doors guests_come_into_public_conferences_only,
        "CONF-03" doors who_is_not_invited_stays_out,
        "CONF-04" ids the_server_makes_ids_up_and_refuses_taken_ones,
        "CONF-04" ids an_id_changes_while_people_meet,
        "CONF-04" ids an_id_that_leads_somewhere_is_taken,
        "CONF-04" lost a_program_publishes_across_a_change_of_id,
        "CONF-05" doors a_pin_is_guessed_five_times_whatever_the_node,
        "CONF-05" doors a_lock_lets_in_moderators_and_who_is_invited_later,
        "CONF-05" doors an_operator_passes_pin_lock_and_waiting_room,
        "CONF-05" doors a_moderator_sets_pin_and_waiting_room_in_the_meeting,
        "CONF-05" doors a_conference_begins_locked_each_time,
        "CONF-06" doors each_waiting_room_keeps_those_it_is_for,
        "CONF-06" doors who_waits_sees_hears_and_says_nothing,
        "CONF-06" doors all_who_wait_are_let_in_at_once,
        "CONF-06" doors nobody_takes_the_place_of_another,
        "CONF-07" moderation roles_are_given_taken_and_kept,
        "CONF-08" moderation each_act_is_told_to_all,
        "CONF-08" moderation acts_on_who_has_just_left_say_so,
        "CONF-08" moderation two_moderators_at_once_leave_one_state,
        "CONF-08" moderation who_was_removed_stays_out_until_let_back,
        "CONF-08" moderation moderators_in_the_room_let_back_whom_they_removed,
        "CONF-08" calls a_moderator_calls_people_in_and_takes_calls_back,
        "CONF-08" watchers moderators_see_who_watches_and_remove_them,
        "CONF-05" watchers a_full_conference_is_full_for_programs_too,
        "CONF-09" moderation the_podium_is_asked_for_in_order,
        "CONF-09" moderation the_podium_is_offered_and_accepted,
        "CONF-10" modes larger_pictures_than_a_conference_has_are_not_seen,
        "CONF-10" rooms options_hold_for_every_way_in,
        "CONF-11" rooms one_layout_for_all_may_be_locked,
        "CONF-11" layouts one_gets_a_layout_alone_and_takes_it_along,
        "CONF-11" layouts moderators_switch_between_kept_layouts,
        "CONF-11" layouts kept_layouts_have_places_for_accounts_only,
        "CONF-12" registration registration_opens_and_closes_by_the_clock,
        "CONF-12" registration registration_closes_by_hand_and_takes_so_many,
        "CONF-12" registration registration_closes_when_the_conference_begins,
        "CONF-12" registration who_signs_in_needs_no_form,
        "CONF-12" webinars a_personal_link_is_one_person,
        "CONF-12" webinars guests_are_who_their_tokens_say,
        "CONF-12" webinars each_reason_of_a_registration_is_told,
        "CONF-16" rooms a_template_makes_conferences,
        "CONF-16" calendars calendars_take_the_file_and_know_it_again,
        "CONF-16" sharing other_sites_show_a_conference_and_nothing_else,
        "CHAT-01" chat lines_are_edited_answered_and_deleted,
        "CHAT-01" lines what_is_sought_is_found_on_earlier_pages,
        "CHAT-01" lines who_writes_is_seen_and_who_may_not_is_not,
        "CHAT-01" lines earlier_runs_are_read_by_who_is_named_or_was_there,
        "CHAT-01" lines a_line_sent_twice_is_said_once,
        "CHAT-01" lines programs_write_as_their_account,
        "AUTH-08" chat a_guest_comes_back_as_who_they_were,
        "CONF-17" rooms what_goes_on_comes_first_and_is_kept,
        "CONF-18" rooms what_people_show_is_seen_at_every_node,
        "CONF-18" rooms in_a_smart_meeting_a_screen_takes_the_podium,
        "CALL-01" calls a_call_rings_is_answered_and_becomes_a_conference,
        "CALL-01" calls calls_are_declined_given_up_and_busy,
        "USR-02" people contacts_see_who_is_there_and_meets,
        "USR-02" people who_is_cut_off_is_where_their_devices_are,
        "USR-05" people without_a_right_nothing_of_it_works,
        "USR-05" people an_operator_is_one_only_as_long_as_the_right_is_there,
        "USR-05" people who_may_not_share_a_screen_does_not,
        "USR-06" people an_address_book_shows_what_groups_say,
        "USR-07" modes who_may_send_or_get_little_has_voices_first,
        "USR-07" people limits_of_bandwidth_are_the_own_ones_or_the_strictest,
        "USR-08" calls a_group_is_called_and_the_first_has_it,
        "USR-08" calls a_group_that_does_not_answer_rings_no_more,
        "USR-09" calls an_alias_leads_to_whoever_it_names,
        "WEB-03" people the_own_area_has_what_is_ones_own,
        "CONF-02" bad bad_input_is_refused_and_changes_nothing,
        "CONF-07" bad a_conference_goes_with_its_owner,
    }
}

fn alone() -> Vec<Story> {
    stories! {
        "WEB-01" sharing the_front_page_is_as_its_hosts_say,
        "WEB-01" webinars strangers_read_who_the_hosts_are_and_agree,
        "AUTH-02" zones a_right_counts_from_where_the_zone_allows_it,
        "AUTH-02" zones what_zones_allow_counts_at_once_for_who_is_there,
        "AUTH-02" zones nobody_new_comes_from_a_zone_that_is_off,
        "CONF-04" lost an_id_changes_while_a_node_is_lost,
    }
}

/// Tells it; gives whether it holds.
async fn tell(story: Story, world: World) -> bool {
    let begun = Instant::now();
    let told = tokio::spawn((story.tell)(world));
    let told = match tokio::time::timeout(LONGEST, told).await {
        Ok(Ok(told)) => told,
        Ok(Err(panic)) => Err(panic).context("it panicked"),
        Err(_) => Err(anyhow::anyhow!("not over within {} s", LONGEST.as_secs())),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let Story { row, name, .. } = story;
    match told {
        Ok(()) => println!("ok      {row:<8} {name} ({seconds:.1} s)"),
        Err(ref error) => println!("FAILED  {row:<8} {name} ({seconds:.1} s): {error:#}"),
    }
    told.is_ok()
}

/// All stories, or those whose row or name has one of the arguments in it.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |story: &Story| {
        let named = |word: &String| story.row.contains(word.as_str()) || story.name.contains(word.as_str());
        wanted.is_empty() || wanted.iter().any(named)
    };
    let world = World::found().await?;
    let first = stream::iter(at_once().into_iter().filter(is_wanted))
        .map(|story| tell(story, world.clone()))
        .buffer_unordered(AT_ONCE);
    let mut held: Vec<bool> = first.collect().await;
    for story in alone().into_iter().filter(is_wanted) {
        held.push(tell(story, world.clone()).await);
    }
    let failed = held.iter().filter(|held| !**held).count();
    println!("{} stories hold, {failed} do not", held.len() - failed);
    anyhow::ensure!(failed == 0 && !held.is_empty(), "not all stories hold");
    Ok(())
}
