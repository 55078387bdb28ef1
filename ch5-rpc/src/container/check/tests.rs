use proptest::prelude::*;

use super::*;

fn faults(text: &str) -> Vec<String> {
    match check(Descriptor::read(text).unwrap()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// A descriptor: per component its name and the rest of its lines.
fn descriptor(components: &[(&str, &str)]) -> String {
    let one = |(name, rest): &(&str, &str)| format!("[[component]]\nname = \"{name}\"\n{rest}\n");
    components.iter().map(one).collect()
}

const STORE: (&str, &str) = ("store", "provides = [\"Store\"]");

#[test]
fn the_example_fits_together_and_starts_with_the_store() {
    let architecture = check(Descriptor::read(crate::container::EXAMPLE).unwrap()).unwrap();
    assert_eq!(architecture.order, ["store", "board", "chat", "page"]);
    assert_eq!(architecture.links.len(), 5);
}

#[test]
fn a_missing_component_is_named_with_the_one_that_needs_it() {
    let board = ("board", "requires = { Store = \"disk\" }");
    assert_eq!(
        faults(&descriptor(&[board])),
        ["`board` requires Store from `disk`, but there is no component `disk`, and none provides Store"]
    );
    assert_eq!(
        faults(&descriptor(&[board, STORE])),
        [
            "`board` requires Store from `disk`, but there is no component `disk`; Store is what `store` provides"
        ]
    );
}

#[test]
fn a_mistyped_connection_is_named_with_both_sides() {
    let chat = ("chat", "provides = [\"Chat\"]\nrequires = { Board = \"store\" }");
    let page =
        ("page", "requires = { Store = \"chat\", Chat = \"page\" }\nconsumes = { Posted = \"store\" }");
    assert_eq!(
        faults(&descriptor(&[chat, page, STORE])),
        [
            "`chat` requires Board from `store`, but `store` provides Store",
            "`page` requires Chat from `page`, but `page` provides nothing",
            "`page` requires Store from `chat`, but `chat` provides Chat",
            "`page` consumes Posted from `store`, but `store` publishes nothing",
        ]
    );
}

#[test]
fn an_interface_is_no_event() {
    let board = ("board", "publishes = [\"Board\"]");
    let page = ("page", "requires = { Board = \"board\" }");
    assert_eq!(
        faults(&descriptor(&[board, page])),
        ["`page` requires Board from `board`, but `board` provides nothing"]
    );
}

#[test]
fn a_circle_is_named_all_around_and_nothing_but_the_circle() {
    let front = ("front", "requires = { A = \"a\" }");
    let a = ("a", "provides = [\"A\"]\nrequires = { B = \"b\", Store = \"store\" }");
    let b = ("b", "provides = [\"B\"]\nrequires = { C = \"c\" }");
    let c = ("c", "provides = [\"C\"]\nrequires = { A = \"a\" }");
    assert_eq!(
        faults(&descriptor(&[front, a, b, c, STORE])),
        ["a circle: `a` requires B from `b`, `b` requires C from `c`, `c` requires A from `a`; \
          none of them can start before the others"]
    );
    let alone = ("a", "provides = [\"A\"]\nrequires = { A = \"a\" }");
    assert_eq!(
        faults(&descriptor(&[alone])),
        ["a circle: `a` requires A from `a`; none of them can start before the others"]
    );
}

#[test]
fn events_may_go_in_a_circle() {
    let a = ("a", "publishes = [\"A\"]\nconsumes = { B = \"b\" }");
    let b = ("b", "publishes = [\"B\"]\nconsumes = { A = \"a\" }");
    assert_eq!(faults(&descriptor(&[a, b])), [""; 0]);
}

#[test]
fn two_of_one_name_and_what_is_no_name_are_refused() {
    assert_eq!(faults(&descriptor(&[STORE, STORE])), ["two components have the name `store`"]);
    let odd = ("a b\\u001b[31m", "");
    assert_eq!(
        faults(&descriptor(&[odd]))[0],
        "`a b\u{fffd}[31m` is no name: write at most 40 letters, digits, - and _"
    );
}

proptest! {
    /// Whatever calls whatever: either there is an order in which each comes after what it calls, or a real circle is named.
    #[test]
    fn there_is_an_order_or_a_circle(size in 1usize..8, calls in prop::collection::vec((0usize..8, 0usize..8), 0..20)) {
        let mut text = String::new();
        for name in 0..size {
            let required: BTreeSet<usize> = calls
                .iter()
                .filter(|(from, to)| *from == name && *to < size)
                .map(|(_, to)| *to)
                .collect();
            let required: Vec<String> = required.iter().map(|to| format!("I{to} = \"c{to}\"")).collect();
            text += &format!(
                "[[component]]\nname = \"c{name}\"\nprovides = [\"I{name}\"]\nrequires = {{ {} }}\n",
                required.join(", ")
            );
        }
        match check(Descriptor::read(&text).unwrap()) {
            Ok(Architecture { links, order, .. }) => {
                let place = |name: &String| order.iter().position(|other| other == name).unwrap();
                prop_assert_eq!(order.len(), size);
                prop_assert!(links.iter().all(|link| place(&link.to) < place(&link.from)));
            }
            Err(faults) => {
                let [Fault::Circle(links)] = faults.as_slice() else { panic!("{faults:?}") };
                let next = links.iter().cycle().skip(1);
                prop_assert!(links.iter().zip(next).all(|(link, next)| link.to == next.from));
            }
        }
    }

    #[test]
    fn no_text_does_harm(text in "(\\[\\[component\\]\\]\n|name = \"[a-c]\"\n|requires = \\{ A = \"[a-c]\" \\}\n|provides = \\[\"A\"\\]\n|[ -~]{0,9}\n){0,12}") {
        if let Ok(descriptor) = Descriptor::read(&text) {
            let _ = check(descriptor);
        }
    }
}
