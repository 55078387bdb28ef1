//! The interactive clients at a terminal: what comes from others is printed above the line that is being typed, which stays whole;
//! and the terminal is left as it was found.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::Server;
use crate::support::guessword;
use crate::support::guessword::{Raw, coded, join, notice};
use crate::support::notify;
use crate::support::notify::{fetch, say};
use crate::support::terminal::{CTRL_C, CTRL_D, ENTER, LEFT, Terminal, UP};

/// A client of this server at a terminal, ready to be typed to.
fn board(server: &Server) -> Terminal {
    let mut terminal = Terminal::start(&["board-client", "-p", &server.address.port().to_string()]);
    terminal.shows("Ctrl-D ends\n>");
    assert!(terminal.is_raw());
    terminal
}

/// A player at a terminal, who is asked for a name.
fn player(server: &Server) -> Terminal {
    let mut terminal = Terminal::start(&["guessword-client", "-p", &server.address.port().to_string()]);
    terminal.shows("your name:");
    terminal
}

/// The rows without the times and the addresses of the messages.
fn rows(terminal: &Terminal) -> Vec<String> {
    let short = |row: String| row.split_once("] -> ").map_or(row.clone(), |(_, text)| format!("-> {text}"));
    terminal.rows().into_iter().map(short).collect()
}

#[test]
fn a_message_comes_while_half_a_line_is_typed() {
    let server = notify::serve("epoll", &[]);
    let mut terminal = board(&server);
    let mut other = Raw::connect(&server);
    terminal.press("half a li");
    terminal.shows("\n> half a li");
    say(&mut other, "between");
    terminal.shows("-> between\n> half a li");
    terminal.press("n");
    terminal.shows("-> between\n> half a lin");
    for number in 0..10 {
        say(&mut other, &number.to_string());
    }
    terminal.shows("-> 9\n> half a lin");
    terminal.press("e");
    terminal.press(ENTER);
    terminal.shows("-> half a line\n>");
    let numbers = (0..10).map(|number| format!("-> {number}"));
    let mut expected = vec!["-> between".to_owned()];
    expected.extend(numbers.chain(["> half a line", "-> half a line", ">"].map(str::to_owned)));
    assert_eq!(rows(&terminal)[1..], expected);
    other.up_to(|frame| frame == "7:;");
    assert_eq!(fetch(&mut other).pop().unwrap(), "half a line");
}

#[test]
fn a_message_comes_while_a_line_longer_than_a_row_is_being_changed() {
    let server = notify::serve("epoll", &[]);
    let mut terminal = board(&server);
    let mut other = Raw::connect(&server);
    let long = "0123456789".repeat(15);
    terminal.press(&long);
    terminal.press(&LEFT.repeat(140)); // from the second row back into the first
    let (first, second) = long.split_at(78);
    terminal.shows(&format!("\n> {first}\n{second}"));
    say(&mut other, "between");
    terminal.shows(&format!("-> between\n> {first}\n{second}"));
    terminal.press("here");
    terminal.press(ENTER);
    other.up_to(|frame| frame == "7:;");
    while fetch(&mut other).pop().is_none_or(|text| text != format!("0123456789here{}", &long[10..])) {
        other.up_to(|frame| frame == "7:;");
    }
}

#[test]
fn the_arrow_brings_back_what_was_typed() {
    let server = notify::serve("epoll", &[]);
    let mut terminal = board(&server);
    for (line, nth) in [("first", 1), ("second", 2)] {
        terminal.press(&format!("{line}{ENTER}"));
        terminal.shows(&format!("-> {line}\n>"));
        assert_eq!(rows(&terminal).len(), 2 * nth + 2);
    }
    terminal.press(UP);
    terminal.shows("-> second\n> second");
    terminal.press(UP);
    terminal.shows("-> second\n> first");
    terminal.press(&format!(" of all{ENTER}"));
    terminal.shows("-> first of all\n>");
    assert_eq!(fetch(&mut Raw::connect(&server)), ["first", "second", "first of all"]);
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let server = notify::serve("epoll", &[]);
    let mut terminal = board(&server);
    terminal.press(&["one", "two", "three", "fo"].join(ENTER));
    terminal.shows("-> three\n> fo");
    terminal.press(&format!("ur{ENTER}"));
    terminal.shows("-> four\n>");
    assert_eq!(fetch(&mut Raw::connect(&server)), ["one", "two", "three", "four"]);

    // Ctrl-D among it: what stands before it is published when the program has ended.
    let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    terminal.press(&(many.join(ENTER) + ENTER + CTRL_D));
    assert_eq!(terminal.end(), "0");
    assert_eq!(fetch(&mut Raw::connect(&server))[4..], many);
}

#[test]
fn what_is_typed_ahead_is_shown_in_the_order_of_the_board() {
    let lines: Vec<String> = (0..40).map(|number| format!("-> line {number}")).collect();
    let keys: String = lines.iter().map(|line| line[3..].to_owned() + ENTER).collect();
    for _ in 0..10 {
        let server = notify::serve("epoll", &[]);
        let mut terminal = board(&server);
        terminal.press(&keys);
        let shown = |terminal: &Terminal| -> Vec<String> {
            let message = |row: &String| row.find("-> ").map(|at| row[at..].to_owned());
            rows(terminal).iter().filter_map(message).collect()
        };
        for line in &lines {
            terminal.shows(&format!("{line}\n"));
        }
        assert_eq!(shown(&terminal), lines);
    }
}

#[test]
fn each_line_that_is_pasted_is_a_message() {
    let server = notify::serve("epoll", &[]);
    let mut terminal = board(&server);
    terminal.press("\x1b[200~one\rtwo\n\nthree\x1b[201~"); // a terminal that brackets what is pasted
    terminal.shows("three");
    assert!(fetch(&mut Raw::connect(&server)).is_empty());
    terminal.press(ENTER);
    terminal.shows("-> three\n>");
    assert_eq!(fetch(&mut Raw::connect(&server)), ["one", "two", "three"]);
}

#[test]
fn a_player_may_type_ahead() {
    let server = guessword::serve("epoll");
    let mut terminal = player(&server);
    terminal.press(&["Ann", "word hello", "h", "7", ""].join(ENTER));
    terminal.shows("no point for 7: it is no letter\n");
    terminal.shows("tried: h\n");
    terminal.press(&format!("x{ENTER}"));
    terminal.shows("no point for x: not in the word, or tried already\n  ┌");
    terminal.shows("tried: h x");
    terminal.press("\x1b[200~e\nl\no\x1b[201~");
    terminal.press(ENTER);
    terminal.shows("* Ann won, propose a new word: it was hello");
}

#[test]
fn it_ends_and_leaves_the_terminal_as_it_was() {
    let server = notify::serve("epoll", &[]);
    for (key, status) in [(CTRL_D, "0"), (CTRL_C, "130")] {
        let mut terminal = board(&server);
        terminal.press(key);
        assert_eq!(terminal.end(), status, "{key:?}");
    }
    // Ctrl-C also in the middle of a line, of which nothing is published.
    let mut terminal = board(&server);
    terminal.press("never mind");
    terminal.shows("> never mind");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), "130");
    assert!(fetch(&mut Raw::connect(&server)).is_empty());

    let port = server.address.port().to_string();
    let mut terminal = Terminal::start(&["board-client", "-p", &port, "--no-reconnect"]);
    terminal.shows("Ctrl-D ends\n>");
    drop(server);
    terminal.shows("* the server is gone; press Enter to leave\n>");
    terminal.press(ENTER);
    assert_eq!(terminal.end(), "4");
}

#[test]
fn a_name_in_use_is_asked_for_again_and_a_guess_shows_the_picture() {
    let server = guessword::serve("epoll");
    let mut bob = join(&server, "Bob");
    let mut terminal = player(&server);
    terminal.press(&format!("Bob{ENTER}"));
    terminal.shows("`Bob` is in use");
    terminal.shows("another one?\nyour name:");
    terminal.press(&format!("Carol{ENTER}"));
    terminal.shows("There is no word: `word hello` proposes one.");
    terminal.shows("Bob 0 · Carol 0\n>");
    assert!(terminal.is_raw());
    bob.send(&coded('C', "hello"));
    terminal
        .shows("* Bob proposed a word of 5 characters\n  ┌───┬───┬───┬───┬───┐\n  │   │   │   │   │   │\n");
    terminal.press(&format!("l{ENTER}"));
    terminal.shows("* Carol guessed l\n  ┌───┬───┬───┬───┬───┐\n  │   │   │ l │ l │   │\n");
    terminal.shows("the word is Bob's   tried: l\n  Carol 1 · Bob 0\n>");

    // And what others do, half a word typed.
    terminal.press("scor");
    terminal.shows("\n> scor");
    bob.send("B:h;");
    terminal.shows("│ h │   │ l │ l │   │\n");
    terminal.shows("Bob 1 · Carol 1\n> scor");
    terminal.press(&format!("es{ENTER}"));
    terminal.shows("> scores\n  ┌");
}

#[test]
fn who_leaves_still_sees_the_answers_to_what_was_typed_ahead() {
    for (line, keys) in [("B:e;", "e\rquit\r"), ("B:x;", "x\r\x04")] {
        // A server that answers a guess only when nothing more is said.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut terminal = Terminal::start(&["guessword-client", "-p", &port, "--name", "Ann"]);
        let (mut player, _) = listener.accept().unwrap();
        player.set_read_timeout(Some(guessword::PATIENCE)).unwrap();
        player.write_all(format!("d:1;{}a:;", coded('s', "Ann 0")).as_bytes()).unwrap();
        terminal.shows("Ann 0\n>");
        terminal.press(keys);
        let mut said = String::new();
        player.read_to_string(&mut said).unwrap();
        assert_eq!(said, format!("{}S:;A:;{line}", coded('D', "Ann")));
        player.write_all(format!("{}b:0;", notice("Zoe left")).as_bytes()).unwrap();
        drop(player);
        terminal.shows("* Zoe left\n  no point for");
        assert_eq!(terminal.end(), "0");
    }
}

#[test]
fn a_player_leaves_and_the_terminal_is_as_it_was() {
    let server = guessword::serve("epoll");
    for (key, status) in [(CTRL_D, "0"), (CTRL_C, "130")] {
        let mut terminal = player(&server);
        terminal.press(key);
        assert_eq!(terminal.end(), status, "{key:?} for a name");
    }
    for (keys, status) in [(CTRL_D, "0"), (CTRL_C, "130"), ("quit\r", "0")] {
        let mut terminal = player(&server);
        terminal.press(&format!("Ann{ENTER}"));
        terminal.shows("Ann 0\n>");
        terminal.press(keys);
        assert_eq!(terminal.end(), status, "{keys:?}");
    }
    let port = server.address.port().to_string();
    let mut terminal = Terminal::start(&["guessword-client", "-p", &port, "--no-reconnect"]);
    terminal.shows("your name:");
    terminal.press(&format!("Ann{ENTER}"));
    terminal.shows("Ann 0\n>");
    drop(server);
    terminal.shows("* the server is gone; press Enter to leave\n>");
    terminal.press(ENTER);
    assert_eq!(terminal.end(), "4");
}
