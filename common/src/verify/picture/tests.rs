use super::*;

type Texts = Call<&'static str, &'static str>;

fn call(
    client: usize,
    called: u64,
    end: Option<u64>,
    operation: &'static str,
    answer: &'static str,
) -> Texts {
    let at = Duration::from_micros;
    Call { client, operation, called: at(called), returned: end.map(|end| (at(end), answer)) }
}

fn history() -> History<&'static str, &'static str> {
    History::new(vec![
        call(0, 0, Some(10), "put <1>", "done"),
        call(1, 5, Some(20), "take & go", "one"),
        call(2, 6, None, "lost", ""),
        call(0, 12, Some(15), "take", "one"),
    ])
}

fn explanation() -> Explanation {
    Explanation {
        culprit: 1,
        order: vec![0, 3],
        right: vec!["nothing".into()],
        rivals: vec![0, 3],
        needed: vec![0, 1, 3],
    }
}

#[test]
fn a_violation_shows_its_calls_and_says_what_would_be_right() {
    let explanation = explanation();
    let about = About {
        title: "A <queue>".into(),
        verdict: "no order".into(),
        facts: vec![("seed".into(), "7".into())],
    };
    let page = html(&history(), Shown::Violation(&explanation), &about);
    for text in [
        "<g class=\"culprit\"><title>client 1: take &amp; go → one (5us to 20us)",
        "<g class=\"rival\"><title>client 0: put &lt;1&gt; → done",
        "<g class=\"open\"><title>client 2: lost never returned",
        "would have been <b>nothing</b>",
        "A &lt;queue&gt;",
        "<dt>seed</dt><dd>7</dd>",
        "class=\"cross\"",
    ] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    assert_eq!(page.matches("class=\"number\"").count(), 2, "as many points as calls in the order");
    assert!(
        !page.contains("<script") && !page.contains("http://www.w3.org/1999"),
        "one file, and no program in it"
    );
}

#[test]
fn the_points_are_inside_their_calls_and_in_order() {
    let history = history();
    let columns = Columns::of(history.calls(), &[0, 1, 2, 3]);
    for order in [vec![0, 1, 3], vec![1, 0, 2, 3], vec![2, 1, 0, 3], vec![0, 3, 2, 1]] {
        let places = columns.points(&order);
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        for (&index, &place) in order.iter().zip(&places) {
            let (begin, end) = columns.of_call(index);
            assert!(
                place > begin as f64 && end.is_none_or(|end| place < end as f64),
                "{order:?}: {places:?}"
            );
        }
    }
}

#[test]
fn a_long_history_is_cut_and_the_violation_stays_in_it() {
    let at = |time: usize| Duration::from_micros(10 * time as u64);
    let mut calls: Vec<Call<String, &str>> = (0..500)
        .map(|n| Call {
            client: 1,
            operation: format!("call {n}"),
            called: at(n),
            returned: Some((at(n), "ok")),
        })
        .collect();
    calls.push(Call {
        client: 0,
        operation: "culprit".into(),
        called: at(0),
        returned: Some((at(400), "bad")),
    });
    let history = History::new(calls);
    let culprit = history.calls().iter().position(|call| call.client == 0).unwrap();
    let explanation =
        Explanation { culprit, order: Vec::new(), right: Vec::new(), rivals: vec![3], needed: vec![culprit] };
    let page = html(&history, Shown::Violation(&explanation), &About::default());
    assert!(page.contains("client 0: culprit") && page.contains("client 1: call 399"));
    assert!(!page.contains("call 401 "), "what began later is not in it");
    assert!(page.contains("call 2 →"), "a rival is, however long ago");
    assert!(page.contains(&format!("these {AROUND} are the last before the violation")));
    let page = html(&history, Shown::Order(&[0, 1, 2]), &About::default());
    assert!(page.contains(&format!("these {CALLS} are the first")));
}
