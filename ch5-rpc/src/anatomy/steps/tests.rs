use std::time::Duration;

use super::*;
use crate::anatomy::exchange::exchange;
use crate::anatomy::plan::{Ending, Transport};

/// A call whose moments are given, microseconds from some moment on.
fn recorded(client: &[(What, u64, u64)], server: &[(What, u64, u64)]) -> Exchange {
    let origin = Instant::now();
    let moments = |given: &[(What, u64, u64)]| {
        let at = |micros| origin + Duration::from_micros(micros);
        let moment = |&(what, begin, end): &(What, u64, u64)| {
            let bytes = if matches!(what, What::Written | What::Read) { vec![0; 4] } else { Vec::new() };
            Moment { what, begin: at(begin), end: at(end), bytes }
        };
        given.iter().map(moment).collect()
    };
    Exchange {
        transport: Transport::Hand,
        ending: Ending::Answered,
        text: "hello".into(),
        said: "published".into(),
        client: moments(client),
        server: moments(server),
    }
}

const CLIENT: [(What, u64, u64); 8] = [
    (What::Called, 100, 100),
    (What::Marshalled, 101, 103),
    (What::Written, 104, 106),
    (What::Written, 106, 109),
    (What::Read, 130, 131),
    (What::Unmarshalled, 132, 133),
    (What::Returned, 134, 134),
    (What::Continued, 136, 136),
];
const SERVER: [(What, u64, u64); 6] = [
    (What::Read, 107, 108),
    (What::Read, 110, 111),
    (What::Unmarshalled, 112, 114),
    (What::Ran, 115, 120),
    (What::Marshalled, 121, 122),
    (What::Written, 124, 126),
];

#[test]
fn each_step_has_the_time_between_its_moments() {
    let steps = steps(&recorded(&CLIENT, &SERVER)).unwrap();
    let spans = steps.map(|step| (step.span.from / 1000, step.span.to / 1000));
    assert_eq!(
        spans,
        [
            (0, 4),
            (4, 9),
            (4, 7),
            (7, 14),
            (14, 15),
            (15, 20),
            (20, 24),
            (24, 30),
            (30, 31),
            (31, 34),
            (34, 36)
        ]
    );
}

#[test]
fn a_recv_that_waited_before_the_send_has_waited_until_the_send() {
    let mut server = SERVER;
    server[0].1 = 50;
    let mut client = CLIENT;
    client[4].1 = 110;
    let steps = steps(&recorded(&client, &server)).unwrap();
    assert_eq!((steps[2].span.from, steps[2].span.to, steps[3].span.from), (4000, 4000, 4000));
    assert_eq!((steps[7].span.from, steps[7].span.to, steps[8].span.from), (24_000, 24_000, 24_000));
}

#[test]
fn a_call_without_one_of_its_moments_has_no_steps() {
    for left_out in 0..CLIENT.len() {
        let mut client = CLIENT.to_vec();
        let (what, ..) = client.remove(left_out);
        if what != What::Written {
            let error = steps(&recorded(&client, &SERVER)).unwrap_err();
            assert_eq!(error, Missing(what, "client"));
        }
    }
}

#[test]
fn the_steps_of_a_real_call_follow_each_other_without_a_gap() {
    for transport in [Transport::Tarpc, Transport::Xmlrpc, Transport::Hand] {
        for text in ["hello".to_owned(), "x".repeat(200_000)] {
            let steps = steps(&exchange(transport, &text, Ending::Answered).unwrap()).unwrap();
            assert_eq!(steps.each_ref().map(|step| step.number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
            assert_eq!(steps[0].span.from, 0);
            assert_eq!(steps[1].span.from, steps[2].span.from, "2 and 3 begin together");
            let mut end = 0;
            for step in steps.iter().filter(|step| step.number != 2) {
                assert_eq!(step.span.from, end, "{transport:?}: {steps:?}");
                assert!(step.span.to >= end, "{transport:?}: {steps:?}");
                end = step.span.to;
                assert!(step.lanes.iter().all(|(_, span)| span.from >= step.span.from), "{step:?}");
            }
            // A system call takes longer than any clock's tick, and these have one.
            for worked in [0, 1, 3] {
                assert!(steps[worked].span.took() > 0, "{transport:?}: {:?}", steps[worked]);
            }
        }
    }
}

#[test]
fn a_long_text_comes_in_parts() {
    for transport in [Transport::Tarpc, Transport::Xmlrpc, Transport::Hand] {
        let call = exchange(transport, &"x".repeat(200_000), Ending::Answered).unwrap();
        let parts: Vec<usize> = call
            .server
            .iter()
            .filter(|moment| moment.what == What::Read)
            .map(|moment| moment.bytes.len())
            .collect();
        assert!(parts.len() >= 2, "{transport:?}: {parts:?}");
        assert_eq!(parts.iter().sum::<usize>(), bytes_of(&call.client, What::Written).len());
        assert!(transfers(&call).unwrap().len() >= parts.len() + 3);
    }
}
