//! Runs live scenarios and prints what they measured.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

use clap::{Parser, ValueEnum};
use plenary_live_tests::{
    acme, border_attacks, border_changes, border_firewall, border_pages, border_partners, borrowing,
    directory, directory_meets, federation, federation_calls, federation_faults, federation_outbox,
    federation_people, federation_terms, federation_trust, full_managers, lost_nodes, lost_podium, people,
    remote_seats,
    scenarios::{self, Figures},
};

/// Do harm to a server of three real nodes and check that nothing acknowledged is lost.
#[derive(Parser)]
struct Cli {
    /// What to do; all if none is named
    scenarios: Vec<Scenario>,
    /// Makes the moments of harm and the writers' choices repeatable
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scenario {
    KillLeader,
    PauseLeader,
    CutLeader,
    KillAll,
    ReplaceNode,
    CutPower,
    FullDisk,
    FailingFsync,
    SlowFsync,
    ManyPeople,
    LostNodeMany,
    LostNodePodium,
    BorrowedSeats,
    FullManagers,
    RemoteSeats,
    PartnersMeet,
    PartnersCall,
    PartnersFaults,
    PartnersLook,
    PartnersInvite,
    PartnersTerms,
    /// Impostors, other pins and floods while people of two servers meet.
    PartnersTrust,
    PartnerPages,
    /// A certificate by ACME of a real authority; the leader is killed in the middle, and it is renewed through a Border Controller.
    Acme,
    /// Attacks on a Border Controller while people meet through it.
    BorderAttacks,
    /// The policy, a certificate, all tunnels, a controller and a node change or are lost while people meet.
    BorderChanges,
    /// Two Border Controllers behind a firewall that lets nothing of the DMZ in; one is killed.
    BorderFirewall,
    /// Browsers on both sides of them, with UDP and without.
    BorderPages,
    /// A partner who reaches a server by its Border Controllers alone.
    BorderPartners,
    Directory,
    DirectoryPostgres,
    DirectoryPages,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let chosen = if cli.scenarios.is_empty() {
        Scenario::value_variants().to_vec()
    } else {
        cli.scenarios
    };
    let (mut passed, mut failed) = (0, 0);
    for scenario in chosen {
        let name = format!("{scenario:?}");
        match run(scenario, cli.seed).await {
            Ok(figures) => {
                passed += 1;
                println!("ok      {name:<14} {figures}");
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {name:<14} {error:#}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    }
}

async fn run(scenario: Scenario, seed: u64) -> anyhow::Result<Figures> {
    match scenario {
        Scenario::KillLeader => scenarios::kill_leader(10, seed).await,
        Scenario::PauseLeader => scenarios::pause_leader(3, seed).await,
        Scenario::CutLeader => scenarios::cut_leader(3, seed).await,
        Scenario::KillAll => scenarios::kill_all(3, seed).await,
        Scenario::ReplaceNode => scenarios::replace_node(seed).await,
        Scenario::CutPower => scenarios::cut_power(3, seed).await,
        Scenario::FullDisk => scenarios::full_disk(2, seed).await,
        Scenario::FailingFsync => scenarios::failing_fsync(seed).await,
        Scenario::SlowFsync => scenarios::slow_fsync(90, seed).await,
        Scenario::ManyPeople => people::many_people().await,
        Scenario::LostNodeMany => lost_nodes::lost_node_many().await,
        Scenario::LostNodePodium => lost_podium::lost_node_podium(3).await,
        Scenario::FullManagers => full_managers::full_managers().await,
        Scenario::BorrowedSeats => borrowing::borrowed_seats(seed).await,
        Scenario::RemoteSeats => remote_seats::remote_seats().await,
        Scenario::PartnersLook => federation_people::partners_look().await,
        Scenario::PartnersMeet => federation::partners_meet().await,
        Scenario::PartnersCall => federation_calls::partners_call().await,
        Scenario::PartnersFaults => federation_faults::partners_faults().await,
        Scenario::PartnersTerms => federation_terms::partners_terms().await,
        Scenario::PartnersTrust => federation_trust::partners_trust().await,
        Scenario::PartnersInvite => federation_outbox::partners_invite().await,
        Scenario::PartnerPages => federation::partner_pages().await,
        Scenario::Acme => acme::acme().await,
        Scenario::BorderAttacks => border_attacks::border_attacks().await,
        Scenario::BorderChanges => border_changes::border_changes().await,
        Scenario::BorderPartners => border_partners::border_partners().await,
        Scenario::BorderPages => border_pages::border_pages().await,
        Scenario::BorderFirewall => border_firewall::border_firewall().await,
        Scenario::Directory => directory::directory(false).await,
        Scenario::DirectoryPostgres => directory::directory(true).await,
        Scenario::DirectoryPages => directory_meets::directory_pages().await,
    }
}
