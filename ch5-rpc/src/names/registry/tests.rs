use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn uri(object: &str) -> Uri {
    format!("PYRO:{object}@127.0.0.1:7777").parse().unwrap()
}

fn wish(name: &str, object: &str, lease: Option<u32>, if_taken: IfTaken) -> Registration {
    let lease = lease.map(|seconds| seconds * SECOND);
    Registration {
        name: name.into(),
        uri: uri(object),
        metadata: BTreeSet::new(),
        lease,
        if_taken,
        origin: None,
    }
}

fn names(registry: &mut Registry, now: Instant) -> Vec<String> {
    registry.entries(now).map(|(name, holder)| format!("{name}={}", holder.uri.object)).collect()
}

#[test]
fn a_name_that_is_not_renewed_is_gone_and_one_that_is_stays() {
    let (mut registry, start) = (Registry::default(), Instant::now());
    for (name, lease) in [("dies", Some(10)), ("lives", Some(10)), ("stays", None)] {
        registry.register(wish(name, name, lease, IfTaken::Refuse), start).unwrap();
    }
    assert_eq!(registry.deadline(), Some(start + 10 * SECOND));
    for tick in 1..20 {
        let now = start + 3 * tick * SECOND;
        registry.register(wish("lives", "lives", Some(10), IfTaken::Refuse), now).unwrap();
        let left = names(&mut registry, now);
        assert_eq!(left.contains(&"dies=dies".to_owned()), tick <= 3, "after {} s", 3 * tick);
        assert!(left.ends_with(&["lives=lives".into(), "stays=stays".into()]));
    }
    let later = start + 1000 * SECOND;
    assert_eq!(registry.lookup("lives", later), Err(NamingError::Unknown("lives".into())));
    assert_eq!((registry.count(later), registry.deadline()), (1, None));
}

#[test]
fn a_lease_ends_at_its_end_and_not_before() {
    let (mut registry, start) = (Registry::default(), Instant::now());
    registry.register(wish("a", "1", Some(10), IfTaken::Refuse), start).unwrap();
    let end = start + 10 * SECOND;
    assert!(registry.lookup("a", end - Duration::from_nanos(1)).is_ok());
    assert!(registry.lookup("a", end).is_err());
}

#[test]
fn a_second_server_is_refused_replaces_or_shares_as_asked() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let taken = Err(NamingError::Taken("a".into()));
    registry.register(wish("a", "1", None, IfTaken::Refuse), now).unwrap();
    assert_eq!(registry.register(wish("a", "2", None, IfTaken::Refuse), now), taken);
    assert_eq!(
        registry.register(wish("a", "2", None, IfTaken::Balance), now),
        taken,
        "the first did not agree"
    );
    registry.register(wish("a", "2", None, IfTaken::Replace), now).unwrap();
    assert_eq!(names(&mut registry, now), ["a=2"]);

    for object in ["1", "2", "3"] {
        registry.register(wish("b", object, Some(5), IfTaken::Balance), now).unwrap();
    }
    assert_eq!(
        registry.register(wish("b", "4", None, IfTaken::Refuse), now),
        Err(NamingError::Taken("b".into()))
    );
    let mut turns = |now, count: usize| -> String {
        (0..count).map(|_| registry.lookup("b", now).unwrap().uri.object.clone()).collect()
    };
    assert_eq!(turns(now, 7), "1231231");
    // One of them dies.
    let later = now + 4 * SECOND;
    for object in ["1", "3"] {
        registry.register(wish("b", object, Some(5), IfTaken::Balance), later).unwrap();
    }
    let mut turns = |now, count: usize| -> String {
        (0..count).map(|_| registry.lookup("b", now).unwrap().uri.object.clone()).collect()
    };
    let after = turns(now + 6 * SECOND, 4);
    assert!(after == "1313" || after == "3131", "{after}");
    assert!(registry.remove("b", Some(&uri("1")), later) && !registry.remove("b", Some(&uri("1")), later));
    assert_eq!(names(&mut registry, later + SECOND), ["a=2", "b=3"]);
    assert!(registry.remove("b", None, later) && !registry.remove("b", None, later));
}

#[test]
fn one_that_comes_back_too_late_is_told_so() {
    let (mut registry, start) = (Registry::default(), Instant::now());
    registry.register(wish("a", "paused", Some(10), IfTaken::Refuse), start).unwrap();
    let later = start + 11 * SECOND;
    registry.register(wish("a", "next", Some(10), IfTaken::Refuse), later).unwrap();
    let late = registry.register(wish("a", "paused", Some(10), IfTaken::Refuse), later);
    assert_eq!(late, Err(NamingError::Taken("a".into())));
    assert_eq!(names(&mut registry, later), ["a=next"]);
    // Nobody else had it: then it has it again.
    let much_later = later + 11 * SECOND;
    registry.register(wish("a", "paused", Some(10), IfTaken::Refuse), much_later).unwrap();
}

#[test]
fn an_empty_registry_is_full_again_after_one_period() {
    let (start, period) = (Instant::now(), 3);
    let owners: Vec<Registration> =
        (0..9).map(|n| wish(&format!("n{n}"), &n.to_string(), Some(10), IfTaken::Refuse)).collect();
    let mut registry = Registry::default();
    for second in 0..40 {
        let now = start + second * SECOND;
        if second == 20 {
            registry = Registry::default(); // it was restarted
        }
        for (number, owner) in owners.iter().enumerate() {
            if (second + number as u32).is_multiple_of(period) {
                registry.register(owner.clone(), now).unwrap();
            }
        }
        let is_filling = second < period || (20..20 + period - 1).contains(&second);
        assert!(is_filling || registry.count(now) == 9, "after {second} s");
    }
}

#[test]
fn what_changes_is_told_in_its_order_and_a_restart_is_noticed() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let (start, nothing) = registry.changes(None, now);
    assert_eq!(nothing, None, "a client that knows nothing reads the list");
    registry.register(wish("a", "1", Some(5), IfTaken::Refuse), now).unwrap();
    registry.register(wish("a", "1", Some(5), IfTaken::Refuse), now).unwrap(); // a renewal is no change
    registry.register(wish("b", "2", None, IfTaken::Refuse), now).unwrap();
    registry.remove("b", None, now);
    let (number, changes) = registry.changes(Some(start), now + 5 * SECOND);
    let words: Vec<String> =
        changes.unwrap().iter().map(|change| format!("{} {}", change.event.word(), change.name)).collect();
    assert_eq!(words, ["added a", "added b", "removed b", "expired a"]);
    assert_eq!(registry.changes(Some(number), now), (number, Some(vec![])));
    assert_eq!(registry.changes(Some(number + 1), now).1, None);
    assert_eq!(Registry::default().changes(Some(number), now).1, None);
    for count in 0..600 {
        registry.register(wish("c", &count.to_string(), None, IfTaken::Replace), now).unwrap();
    }
    assert_eq!(registry.changes(Some(number), now).1, None, "too long ago");
}

#[test]
fn the_own_name_stays_and_all_is_bounded() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    registry.reserve("Pyro.NameServer", uri("Pyro.NameServer"), BTreeSet::new());
    let own = registry.register(wish("Pyro.NameServer", "thief", None, IfTaken::Replace), now);
    assert!(matches!(own, Err(NamingError::Reserved(_))) && !registry.remove("Pyro.NameServer", None, now));
    for name in [String::new(), "x".repeat(TEXT + 1)] {
        assert_eq!(registry.register(wish(&name, "1", None, IfTaken::Refuse), now), Err(NamingError::Text));
    }
    for number in 1..NAMES {
        registry.register(wish(&number.to_string(), "1", None, IfTaken::Refuse), now).unwrap();
    }
    assert_eq!(registry.register(wish("more", "1", None, IfTaken::Refuse), now), Err(NamingError::Full));
    assert_eq!(
        registry.register(wish("1", "1", None, IfTaken::Refuse), now),
        Ok(()),
        "a renewal needs no room"
    );
}

#[test]
fn an_address_has_its_share_and_others_have_theirs() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let of = |last: u8, name: &str, words: usize| {
        let metadata = (0..words).map(|word| format!("{word:0>TEXT$}")).collect();
        let origin = Some(std::net::IpAddr::from([192, 0, 2, last]).into());
        Registration { origin, metadata, ..wish(name, "1", Some(10), IfTaken::Refuse) }
    };
    for number in 0..NAMES / SHARE {
        registry.register(of(1, &number.to_string(), 0), now).unwrap();
    }
    assert_eq!(registry.register(of(1, "more", 0), now), Err(NamingError::Share));
    assert_eq!(registry.register(of(1, "0", 0), now), Ok(()), "a renewal needs no room");
    assert_eq!(registry.register(of(2, "of another", 0), now), Ok(()));
    // The same for the text.
    let full =
        (0..NAMES).find_map(|number| registry.register(of(3, &format!("long {number}"), 32), now).err());
    assert_eq!(full, Some(NamingError::Share));
    assert_eq!(registry.register(of(4, "of one more", 32), now), Ok(()));
    // And it is free again with the leases.
    assert_eq!(registry.register(of(1, "more", 0), now + 11 * SECOND), Ok(()));
}

#[test]
fn references_that_share_names_and_their_words_have_a_bound_together() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let full = Err(NamingError::Full);
    let shared = |number: usize, words: usize| {
        let metadata = (0..words).map(|word| format!("{word:0>TEXT$}")).collect();
        let (name, object) = ((number / HOLDERS).to_string(), number.to_string());
        Registration { metadata, ..wish(&name, &object, None, IfTaken::Balance) }
    };
    for number in 0..NAMES {
        registry.register(shared(number, 0), now).unwrap();
    }
    assert_eq!(registry.register(shared(NAMES, 0), now), full);
    assert!(registry.remove("0", None, now));
    assert_eq!(registry.register(shared(NAMES, 0), now), Ok(()), "a name that goes makes room");

    let mut registry = Registry::default();
    let all = (0..NAMES).find(|&number| registry.register(shared(number, WORDS), now) == full).unwrap();
    assert!(all * WORDS * TEXT < ALL_TEXT && (all + 1) * WORDS * (TEXT + 9) > ALL_TEXT, "{all}");
    assert_eq!(registry.register(shared(all - 1, WORDS), now), Ok(()), "a renewal needs no room");
    assert_eq!(registry.register(shared(all - 1, 0), now), Ok(()), "nor what is shorter");
    let words: BTreeSet<String> = shared(0, WORDS).metadata;
    assert_eq!(registry.set_metadata(&((all - 1) / HOLDERS).to_string(), &words, now), Ok(()));
    for name in 0..=all / HOLDERS {
        registry.remove(&name.to_string(), None, now);
    }
    assert_eq!(registry.held, Held::default(), "nothing is counted that is gone");
}
