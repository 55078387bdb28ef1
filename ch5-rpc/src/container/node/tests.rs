use super::*;
use crate::container::check::check;
use crate::container::descriptor::Descriptor;

/// Page, board, chat and store on one node, with this policy of the board and these settings of the store.
fn board_descriptor(policy: &str, settings: &str) -> Architecture {
    let text = format!(
        "[[component]]\nname = \"page\"\nrequires = {{ Board = \"board\", Chat = \"chat\" }}\n\
         [[component]]\nname = \"board\"\nprovides = [\"Board\"]\npublishes = [\"Posted\"]\n\
         requires = {{ Store = \"store\" }}\n[component.policy]\n{policy}\n\
         [[component]]\nname = \"chat\"\nprovides = [\"Chat\"]\nrequires = {{ Store = \"store\" }}\nconsumes = {{ Posted = \"board\" }}\n\
         [[component]]\nname = \"store\"\nprogram = \"memory-store\"\nprovides = [\"Store\"]\n[component.settings]\n{settings}\n"
    );
    check(Descriptor::read(&text).unwrap()).unwrap()
}

fn board(policy: &str, settings: &str) -> Arc<Node> {
    Node::new(board_descriptor(policy, settings), "node", "key".into()).unwrap()
}

fn call(node: &Node, to: &str, what: &str, method: &str, arguments: &[Value]) -> Outcome {
    node.send(Invocation {
        from: "page".into(),
        to: to.into(),
        what: what.into(),
        method: Some(method.into()),
        arguments: arguments.to_vec(),
        left: None,
    })
}

fn publish(node: &Node, text: &str) -> Outcome {
    call(node, "board", "Board", "publish", &[Value::Text(text.into())])
}

fn last(node: &Node, to: &str, what: &str) -> Vec<String> {
    match call(node, to, what, "last", &[Value::Number(10)]) {
        Ok(Value::Texts(texts)) => texts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_goes_through_the_board_into_the_store_and_its_event_into_the_chat() {
    let node = board("", "");
    assert_eq!(publish(&node, "hello"), Ok(Value::Number(0)));
    assert_eq!(last(&node, "board", "Board"), ["hello"]);
    let begin = Instant::now();
    while last(&node, "chat", "Chat").is_empty() {
        assert!(begin.elapsed().as_secs() < 10, "the event has not come");
        thread::yield_now();
    }
    assert_eq!(last(&node, "chat", "Chat"), ["* new on the board: hello"]);
}

#[test]
fn a_call_that_fails_halfway_leaves_nothing_behind_if_the_policy_says_so() {
    // The text has room, and the line in the journal has none.
    for (policy, left) in [("undo = true", vec![]), ("undo = false", vec!["hello".to_owned()])] {
        let node = board(policy, "room = \"1\"");
        assert_eq!(publish(&node, "hello"), Err(Fault::Failed("the store is full: 1 texts".into())));
        assert_eq!(last(&node, "board", "Board"), left, "{policy}");
        assert_eq!(last(&node, "chat", "Chat"), [""; 0], "no event of a call that failed");
    }
}

#[test]
fn more_calls_than_the_rate_are_refused_before_the_component() {
    let node = board("rate = 3", "");
    let refused = (0..20).filter(|_| matches!(publish(&node, "x"), Err(Fault::Refused(_)))).count();
    // On a busy machine more than a second may pass.
    assert!(refused > 0, "{refused}");
    assert_eq!(last_of_store(&node).len(), 20 - refused);
}

/// The store itself, as the board sees it.
fn last_of_store(node: &Node) -> Vec<String> {
    let invocation = Invocation {
        from: "board".into(),
        to: "store".into(),
        what: "Store".into(),
        method: Some("last".into()),
        arguments: vec![Value::Text("board".into()), Value::Number(100)],
        left: None,
    };
    match node.send(invocation) {
        Ok(Value::Texts(texts)) => texts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_without_time_is_not_begun() {
    let node = board("deadline = \"0\"", "");
    assert_eq!(publish(&node, "x"), Err(Fault::Late("not begun".into())));
    assert_eq!(last_of_store(&node), [""; 0]);
}

#[test]
fn the_deadline_of_a_caller_goes_along_to_what_it_calls() {
    let node = board("", "");
    let deadline = Instant::now();
    let send = |invocation| node.send(invocation);
    let mut others = Reach::new(&node.architecture, "board", Some(deadline), &send);
    let outcome = others.call("Store", "last", vec![Value::Text("board".into()), Value::Number(1)]);
    assert!(matches!(outcome, Err(Fault::Late(_))), "{outcome:?}");
}

#[test]
fn a_component_reaches_only_what_the_descriptor_says() {
    let node = board("", "");
    let send = |invocation| node.send(invocation);
    let mut others = Reach::new(&node.architecture, "page", None, &send);
    let outcome = others.call("Store", "last", vec![]);
    assert_eq!(outcome, Err(Fault::Refused("the descriptor does not say that `page` requires Store".into())));
    let published = others.publish("Posted", Value::Nothing);
    assert!(matches!(published, Err(Fault::Refused(_))), "{published:?}");
    assert!(matches!(call(&node, "store", "Store", "last", &[]), Err(Fault::Refused(_))), "past the board");
}

#[test]
fn a_message_of_another_deployment_is_refused() {
    let node = board("", "");
    let order = Order::Wire(BTreeMap::new());
    let outcome = node.receive(Message { key: "guessed".into(), order });
    assert_eq!(outcome, Err(Fault::Refused("another deployment".into())));
}

#[test]
fn the_page_shows_what_is_there_and_no_markup_of_users() {
    let node = board("", "");
    let form = |path: &str, form: &[(&str, &str)]| PageRequest {
        is_post: true,
        path: path.into(),
        form: form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let page = node.page(&form("/publish", &[("text", "<script>")])).unwrap();
    assert!(page.contains("<li>&lt;script&gt;</li>") && !page.contains("<script>"), "{page}");
    let page = node.page(&form("/say", &[("name", "Ann"), ("text", "hi")])).unwrap();
    assert!(page.contains("<li>Ann: hi</li>"), "{page}");
    let page = node.page(&form("/publish", &[])).unwrap();
    assert!(page.contains("there is no text"), "{page}");
    let page = node.page(&form("/publish", &[("text", &"x".repeat(2001))])).unwrap();
    assert!(page.contains("2000 are possible"), "{page}");
    assert!(node.page(&form("/elsewhere", &[])).is_err());
}

/// A board that does this when it is called.
struct Odd(fn(&mut dyn Others) -> Outcome);

impl Program for Odd {
    fn call(&mut self, _: &str, _: &[Value], others: &mut dyn Others) -> Outcome {
        (self.0)(others)
    }
}

fn with_odd_board(policy: &str, does: fn(&mut dyn Others) -> Outcome) -> Arc<Node> {
    let architecture = board_descriptor(policy, "");
    let build = |component: &Component| match component.program() {
        "board" => Ok(Box::new(Odd(does)) as Box<dyn Program>),
        program => build(program, &component.settings),
    };
    Node::made_of(architecture, "node", "key".into(), build).unwrap()
}

fn append(others: &mut dyn Others) -> Outcome {
    others.call("Store", "append", vec![Value::Text("board".into()), Value::Text("x".into())])
}

#[test]
fn a_panic_is_the_end_of_its_call_and_not_of_the_node() {
    let node = with_odd_board("undo = true", |others| {
        append(others)?;
        panic!("this panic is meant")
    });
    for _ in 0..2 {
        assert_eq!(publish(&node, "x"), Err(Fault::Failed("`board` has panicked".into())));
    }
    assert_eq!(last_of_store(&node), [""; 0], "what it did is taken back");
}

#[test]
fn a_call_that_takes_too_long_is_taken_back_and_its_event_is_not_sent() {
    for (undo, left) in [(true, 0), (false, 1)] {
        let node = with_odd_board(&format!("undo = {undo}\ndeadline = \"200ms\""), |others| {
            append(others)?;
            others.publish("Posted", Value::Text("x".into()))?;
            thread::sleep(std::time::Duration::from_millis(250));
            Ok(Value::Nothing)
        });
        let outcome = publish(&node, "x");
        assert!(matches!(outcome, Err(Fault::Late(_))), "{outcome:?}");
        assert_eq!(last_of_store(&node).len(), left);
        // Events come in their order: when this one has come, no other is on its way.
        node.queue(vec![Invocation {
            from: "board".into(),
            to: "chat".into(),
            what: "Posted".into(),
            method: None,
            arguments: vec![Value::Text("the end".into())],
            left: None,
        }]);
        let begin = Instant::now();
        while last(&node, "chat", "Chat").is_empty() {
            assert!(begin.elapsed().as_secs() < 10, "the event has not come");
            thread::yield_now();
        }
        assert_eq!(last(&node, "chat", "Chat"), ["* new on the board: the end"]);
    }
}

#[test]
fn what_was_done_last_is_taken_back_first() {
    let node = board("", "");
    let sent = std::cell::RefCell::new(Vec::new());
    let send = |invocation: Invocation| {
        sent.borrow_mut().push((invocation.method.clone(), invocation.arguments[1].clone()));
        node.send(invocation)
    };
    let mut others = Reach::new(&node.architecture, "board", None, &send);
    for _ in 0..2 {
        append(&mut others).unwrap();
    }
    others.undo();
    let removed = |id| (Some("remove".to_owned()), Value::Number(id));
    assert_eq!(sent.borrow()[2..], [removed(1), removed(0)]);
    assert_eq!(last_of_store(&node), [""; 0]);
}
