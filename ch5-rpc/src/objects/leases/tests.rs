use proptest::prelude::*;

use super::*;

const LEASE: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(2);
const ANN: ClientId = ClientId(1);
const BOB: ClientId = ClientId(2);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ids(id: &str) -> Vec<String> {
    vec![id.to_owned()]
}

/// Leases of one object that is given to Ann.
fn given(now: Instant) -> Leases {
    let mut leases = Leases::new(LEASE, GRACE);
    leases.add("a", now);
    assert!(leases.introduce(ANN, "a", now));
    leases
}

#[test]
fn a_client_that_dies_frees_its_own_within_a_lease_and_one_that_renews_does_not() {
    let start = Instant::now();
    let mut leases = given(start);
    assert_eq!(leases.deadline(start), Some(start + LEASE + GRACE));
    let mut now = start;
    for sequence in 1..20 {
        now += LEASE / 2;
        assert!(leases.dirty(ANN, sequence, &ids("a"), now).is_empty());
        assert!(leases.handle_timeout(now).is_empty());
    }
    assert!(leases.handle_timeout(now + LEASE + GRACE - seconds(1)).is_empty());
    assert_eq!(leases.handle_timeout(now + LEASE + GRACE), ["a"]);
    assert_eq!(leases.deadline(now), None);
}

#[test]
fn a_local_root_keeps_what_nobody_refers_to() {
    let start = Instant::now();
    let mut leases = given(start);
    leases.add_root("a");
    leases.clean(ANN, 1, &[("a".into(), 1)], start);
    assert!(leases.handle_timeout(start + 100 * LEASE).is_empty());
    leases.remove_root("a");
    assert_eq!(leases.deadline(start), Some(start), "at once");
    assert_eq!(leases.handle_timeout(start), ["a"]);
}

#[test]
fn a_late_dirty_does_not_revive_and_a_late_clean_does_not_kill() {
    let start = Instant::now();
    let mut leases = given(start);
    leases.introduce(BOB, "a", start);
    leases.clean(ANN, 2, &[("a".into(), 1)], start);
    assert!(
        leases.dirty(ANN, 1, &ids("a"), start + seconds(1)).is_empty(),
        "it is old: nothing is said to it"
    );
    leases.clean(BOB, 1, &[("a".into(), 1)], start + seconds(1));
    assert_eq!(leases.handle_timeout(start + seconds(1)), ["a"], "the late dirty holds nothing");

    let mut leases = given(start);
    leases.clean(BOB, 2, &[("a".into(), 1)], start);
    assert!(leases.begin(BOB, 1, &ids("a"), start).is_empty(), "what it began is over already");
    leases.clean(ANN, 1, &[("a".into(), 1)], start);
    assert_eq!(leases.handle_timeout(start), ["a"]);

    let mut leases = given(start);
    assert!(leases.dirty(ANN, 2, &ids("a"), start).is_empty());
    leases.clean(ANN, 1, &[("a".into(), 1)], start);
    assert!(leases.handle_timeout(start + LEASE).is_empty(), "the late clean frees nothing");
}

#[test]
fn a_clean_that_crosses_an_introduction_frees_nothing() {
    let start = Instant::now();
    let mut leases = given(start);
    leases.introduce(ANN, "a", start); // in an answer that is still under way
    leases.clean(ANN, 1, &[("a".into(), 1)], start);
    assert!(leases.handle_timeout(start + seconds(1)).is_empty());
    assert!(leases.dirty(ANN, 2, &ids("a"), start + seconds(1)).is_empty());
    leases.clean(ANN, 3, &[("a".into(), 2)], start + seconds(2));
    assert_eq!(leases.handle_timeout(start + seconds(2)), ["a"]);
}

#[test]
fn one_that_comes_back_too_late_is_told_so_even_if_the_object_is_still_there() {
    let start = Instant::now();
    let mut leases = given(start);
    leases.introduce(BOB, "a", start);
    for (sequence, second) in [(1, 5), (2, 10), (3, 15)] {
        assert!(leases.dirty(BOB, sequence, &ids("a"), start + seconds(second)).is_empty());
    }
    // A renewal that was under way when the lease ended is in time.
    let mut in_grace = given(start);
    assert!(in_grace.dirty(ANN, 1, &ids("a"), start + LEASE + GRACE - seconds(1)).is_empty());
    let late = start + LEASE + GRACE;
    assert_eq!(leases.dirty(ANN, 1, &ids("a"), late), ["a"]);
    assert_eq!(leases.dirty(ANN, 2, &ids("a"), late), ["a"], "not revived by asking again");
    // It may begin anew, knowing that it has missed something.
    assert!(leases.begin(ANN, 3, &ids("a"), late).is_empty());
    assert!(leases.dirty(ANN, 4, &ids("a"), late).is_empty());
    assert_eq!(leases.begin(ANN, 5, &ids("none"), late), ["none"]);
}

#[test]
fn an_object_that_is_given_to_nobody_goes_too() {
    let start = Instant::now();
    let mut leases = Leases::new(LEASE, GRACE);
    leases.add("a", start);
    assert!(leases.handle_timeout(start + LEASE).is_empty());
    assert_eq!(leases.handle_timeout(start + LEASE + GRACE), ["a"]);
}

#[test]
fn what_one_client_holds_is_bounded() {
    let start = Instant::now();
    let mut leases = Leases::new(LEASE, GRACE);
    let held = (0..=HOLDS).filter(|number| {
        leases.add(&number.to_string(), start);
        leases.introduce(ANN, &number.to_string(), start)
    });
    assert_eq!(held.count(), HOLDS);
}

#[test]
fn what_the_clients_of_one_address_hold_is_bounded_and_others_have_room() {
    let start = Instant::now();
    let mut leases = Leases::new(LEASE, GRACE);
    leases.add("a", start);
    let caller = |client: usize, last: u8| {
        let origin = Some(std::net::IpAddr::from([192, 0, 2, last]).into());
        Caller { client: ClientId(client as u64 + 1), origin }
    };
    let held = (0..=SHARE).filter(|number| leases.introduce(caller(*number, 1), "a", start));
    assert_eq!(held.count(), SHARE);
    assert!(leases.introduce(caller(SHARE + 1, 2), "a", start));
    // A hold that is over makes room.
    leases.handle_timeout(start + LEASE + GRACE);
    leases.add("a", start + LEASE + GRACE);
    assert!(leases.introduce(caller(SHARE + 2, 1), "a", start + LEASE + GRACE));
}

/// What a client does in one step of a second.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It is given the reference again, in an answer that travels so long.
    Introduce(u64),
    /// It drops all its references.
    Clean,
    Wait,
}

/// A client with one object: what it knows, and what is under way. Messages to the server may overtake each other.
#[derive(Debug, Default)]
struct Client {
    seen: u32,
    holds: bool,
    sequence: u64,
    renewed: u64,
    answers: Vec<u64>,
    messages: Vec<(u64, u64, bool, u32)>, // arrival, sequence, is dirty, introductions
}

fn step() -> impl Strategy<Value = (Step, u64)> {
    let what = prop_oneof![
        2 => (0u64..2).prop_map(Step::Introduce),
        2 => Just(Step::Clean),
        5 => Just(Step::Wait),
    ];
    (what, 0u64..2) // and how long the messages of this second travel
}

proptest! {
    /// No object is collected to which a client refers that renews its leases in time; and every one is within a lease to which none does.
    #[test]
    fn nothing_is_collected_that_is_referred_to_and_all_else_within_a_lease(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let start = Instant::now();
        let mut leases = given(start);
        let mut client = Client { answers: vec![0], ..Client::default() };
        let mut is_collected = false;
        let mut unreferenced_since = None;
        for (second, (step, travel)) in (0u64..).zip(steps) {
            let now = start + seconds(second);
            // What arrives at the client.
            let arrived = client.answers.extract_if(.., |at| *at <= second).count();
            if arrived > 0 {
                client.seen += u32::try_from(arrived).unwrap();
                client.holds = true;
            }
            match step {
                Step::Introduce(time) if !is_collected => {
                    leases.introduce(ANN, "a", now);
                    client.answers.push(second + time);
                }
                Step::Clean if client.holds => {
                    client.holds = false;
                    client.sequence += 1;
                    client.messages.push((second + travel, client.sequence, false, client.seen));
                }
                _ => {}
            }
            // It renews at half the lease, and at once when it is given the reference.
            if client.holds && (arrived > 0 || second >= client.renewed + LEASE.as_secs() / 2) {
                client.renewed = second;
                client.sequence += 1;
                client.messages.push((second + travel, client.sequence, true, 0));
            }
            // What arrives at the server, the newest first: the worst order.
            let mut messages: Vec<_> = client.messages.extract_if(.., |message| message.0 <= second).collect();
            messages.reverse();
            for (_, sequence, is_dirty, introductions) in messages {
                if is_dirty {
                    leases.dirty(ANN, sequence, &ids("a"), now);
                } else {
                    leases.clean(ANN, sequence, &[("a".into(), introductions)], now);
                }
            }
            is_collected |= !leases.handle_timeout(now).is_empty();
            let is_referred_to = client.holds || !client.answers.is_empty();
            prop_assert!(!(is_collected && is_referred_to), "collected in second {second}: {client:?}");
            if is_referred_to {
                unreferenced_since = None;
            } else {
                let since: u64 = *unreferenced_since.get_or_insert(second);
                let most = (LEASE + GRACE).as_secs() + 2; // and the travel of the last message
                prop_assert!(is_collected || second <= since + most, "not collected by second {second}");
            }
        }
    }
}
