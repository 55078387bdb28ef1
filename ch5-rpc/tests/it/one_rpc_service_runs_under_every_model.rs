//! The service of the core: what it serves is the same under every model whose handlers share memory, and the others refuse it.

use ch3_threads::model::Model;

use crate::calls::{Connection, method_call, post, sharing_models};
use crate::support::{Server, ch5, run, text};

#[test]
fn every_model_that_shares_memory_serves_it() {
    for model in sharing_models() {
        let server = Server::start(&["xmlrpc-server", "--model", &model.name(), "--validator"]);
        let mut client = Connection::open(server.address);
        assert!(client.call("publish", &["a&lt;b"]).contains("<int>0</int>"), "{}", model.name());
        let long = format!("<base64>{}</base64>", "AAEC".repeat(50_000));
        assert!(client.call("publish", &[&long]).contains("<int>1</int>"));
        assert!(client.call("get", &["<int>0</int>"]).contains("<string>a&lt;b</string>"));
        assert!(client.call("get", &["<int>1</int>"]).contains(&long), "{}", model.name());
        assert!(client.call("get", &["<int>2</int>"]).contains("-32500"));
        client.send(&post("/rpc", br#"{"jsonrpc":"2.0","method":"last","id":1}"#));
        assert_eq!(client.receive().content, br#"{"jsonrpc":"2.0","result":[0,1],"id":1}"#);
        // Two requests in one segment, the second in two.
        let request = post("/RPC2", method_call("my_function", &[]).as_bytes());
        let two = request.repeat(2);
        client.send(&two[..request.len() + 30]);
        assert_eq!(client.receive().status, 200);
        client.send(&two[request.len() + 30..]);
        assert_eq!(client.receive().status, 200);
        client.send(&post("/none", b""));
        assert_eq!(client.receive().status, 404);
        assert!(client.has_ended(), "{}", model.name());
        let ended = server.stop();
        assert!(ended.success(), "{}: {ended:?}", model.name());
    }
}

#[test]
fn a_model_that_copies_memory_refuses_it_and_says_why() {
    for model in Model::ALL.into_iter().filter(|model| model.copies_memory()) {
        let output = run(&mut ch5(&["xmlrpc-server", "-p", "0", "--model", &model.name()]));
        assert_eq!(output.status.code(), Some(1), "{}", model.name());
        assert!(text(&output.stderr).contains("xmlrpc needs one memory"), "{}", text(&output.stderr));
    }
}

#[test]
fn an_idle_client_keeps_no_server_from_its_end() {
    for model in sharing_models() {
        let server = Server::start(&["xmlrpc-server", "--model", &model.name()]);
        let mut client = Connection::open(server.address);
        client.call("last", &[]);
        assert!(server.stop().success(), "{}", model.name());
        assert!(client.has_ended());
    }
}
