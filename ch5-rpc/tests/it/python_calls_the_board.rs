//! What Python's `xmlrpc.client` and the client of the notes expect, under models that differ the most. Reports: twisted 3781, rtorrent
//! 230, warehouse 5653 (a control character in a stored text spoils the answers after it).

use crate::calls::{MODELS, python, python_agrees};
use crate::support::{Server, text};

#[test]
fn over_xml() {
    for model in MODELS {
        let server = Server::start(&["xmlrpc-server", "--model", model, "--validator"]);
        python_agrees(include_str!("python/board.py"), &[&format!("http://{}", server.address)]);
        assert!(server.stop().success(), "{model}");
    }
}

#[test]
fn over_json() {
    for model in MODELS {
        let server = Server::start(&["xmlrpc-server", "--model", model]);
        python_agrees(include_str!("python/json.py"), &[&format!("http://{}", server.address)]);
        assert!(server.stop().success(), "{model}");
    }
}

#[test]
fn as_the_tests_of_python_itself() {
    for model in MODELS {
        let server = Server::start(&["xmlrpc-server", "--model", model, "--validator"]);
        let program = include_str!("python/own_suite.py");
        let Some(output) = python(program, &[&server.address.to_string()]) else { return };
        let said = text(&output.stdout);
        if said.starts_with("skipped") {
            return eprintln!("\n!! {said}");
        }
        assert!(
            output.status.success() && said.ends_with("agreed\n"),
            "{model}: {said}\n{}",
            text(&output.stderr)
        );
    }
}
