//! In virtual time: the agreement is kept, for many seeds, and what a death and a wrong detector do.

use clap::Parser;

use super::check::{Verdict, check};
use super::node::{Event, Node};
use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: AgreeArgs,
}

fn play(line: &str, seed: u64) -> (Vec<Node>, Verdict) {
    let args = Cli::try_parse_from(["agree"].into_iter().chain(line.split_whitespace())).unwrap().args;
    let nodes = run::in_virtual_time(args.make_nodes(seed), &args.profile(), seed, args.time);
    let verdict = check(&nodes);
    (nodes, verdict)
}

#[test]
fn the_same_seed_is_the_same_run() {
    let events = |seed| play("", seed).0.into_iter().map(|node| node.events).collect::<Vec<_>>();
    assert_eq!(events(1), events(1));
    assert_ne!(events(1), events(2));
}

#[test]
fn no_two_have_the_pen_at_once_and_all_in_the_order_of_their_stamps() {
    for line in [
        "",
        "--loss 40% --time 60s",
        "--think 0ms --hold 0ms",
        "--nodes 6 --jitter 100ms --time 60s",
        "--nodes 2",
    ] {
        for seed in 0..40 {
            let (nodes, verdict) = play(line, seed);
            assert!(verdict.is_safe() && verdict.blocked.is_empty(), "{line} seed {seed}: {verdict:?}");
            assert_eq!(verdict.turns.len(), 3 * nodes.len(), "{line} seed {seed}");
        }
    }
}

#[test]
fn without_loss_a_turn_costs_twice_as_many_messages_as_there_are_others() {
    let (nodes, verdict) = play("--loss 0% --jitter 0ms --nodes 5", 1);
    let sent = nodes.iter().flat_map(|node| &node.events);
    let sent = sent.filter(|(_, event)| matches!(event, Event::Sent { .. })).count();
    assert_eq!(sent, verdict.turns.len() * 2 * 4);
}

#[test]
fn a_death_blocks_all_and_with_a_detector_none() {
    for seed in 0..20 {
        let (_, verdict) = play("--dies 2 --time 5s", seed);
        assert!(verdict.is_safe());
        let blocked: Vec<usize> = verdict.blocked.iter().map(|(node, _)| *node).collect();
        assert_eq!(blocked, [0, 1, 3], "seed {seed}");
        assert!(verdict.blocked.iter().all(|(_, missing)| missing.contains(&2)), "seed {seed}: {verdict:?}");

        let (_, verdict) = play("--dies 2 --detector 1s --time 20s", seed);
        assert!(verdict.is_safe() && verdict.blocked.is_empty(), "seed {seed}: {verdict:?}");
        assert_eq!(verdict.turns.len(), 10);
    }
}

/// A detector that is wrong is worse than none: they do not wait, and do not agree.
#[test]
fn who_is_only_slow_and_taken_for_dead_has_the_pen_as_well() {
    let unsafe_runs = (0..20).filter(|&seed| !play("--detector 20ms --delay 60ms", seed).1.is_safe()).count();
    assert!(unsafe_runs > 10, "{unsafe_runs}");
}
