use common::core::service::Peer;

use super::*;
use crate::pyro::call::Context;
use crate::pyro::message::Version;
use crate::pyro::serpent::{literal, read};

/// Calls as they come: arguments as Python would write them; the result, or the exception.
fn call(server: &NameServer, method: &str, args: &str) -> String {
    let arguments = read(format!("[{args}]").as_bytes()).unwrap();
    let (args, kwargs) = match arguments.items().unwrap() {
        [args @ .., kwargs @ Value::Dict(_)] => (args, kwargs),
        args => (args, &Value::None),
    };
    let peer = Peer::new(([127, 0, 0, 1], 1).into());
    let result = server.call(&Call {
        method,
        args,
        kwargs,
        version: Version::Four,
        peer,
        context: Context::default(),
    });
    result.map_or_else(|exception| exception.to_string(), |value| literal(&value))
}

fn server() -> NameServer {
    let server = NameServer::default();
    for (name, rest) in [
        ("board.one", "{'metadata':['board','fast']}"),
        ("board.two", "{'metadata':('board',)}"),
        ("chat", ""),
    ] {
        assert_eq!(call(&server, "register", &format!("'{name}','PYRO:1@h:1',{rest}")), "None");
    }
    server
}

#[test]
fn names_are_listed_and_looked_up_in_pyros_words() {
    let server = server();
    assert_eq!(
        call(&server, "lookup", "'chat'"),
        "{'__class__':'Pyro4.core.URI','state':('PYRO','1',None,'h',1)}"
    );
    assert!(call(&server, "lookup", "'board.one',True").ends_with("},{'board','fast'})"));
    assert_eq!(call(&server, "lookup", "'none'"), "NamingError: unknown name: none");
    assert_eq!(call(&server, "list", "{'prefix':'board.t'}"), "{'board.two':'PYRO:1@h:1'}");
    assert_eq!(
        call(&server, "list", "{'prefix':None,'return_metadata':True,'regex':'c'}"),
        "{'chat':('PYRO:1@h:1',())}"
    );
    assert_eq!(call(&server, "list", "{'regex':'.*two'}"), "{'board.two':'PYRO:1@h:1'}");
    assert_eq!(call(&server, "list", "{'regex':'two'}"), "{}", "from the begin of the name on");
    assert_eq!(call(&server, "list", "{'regex':'('}"), "NamingError: invalid regex: (");
    assert!(call(&server, "list", "{'regex':'((a{1,100}){1,100}){1,100}'}").starts_with("NamingError"));
    assert_eq!(call(&server, "list", "{'regex':'a)|(?:chat'}"), "NamingError: invalid regex: a)|(?:chat");
    assert_eq!(call(&server, "list", "{'regex':'x|chat|at'}"), "{'chat':'PYRO:1@h:1'}");
    // Ten thousand names of this pattern's worst kind took 12 s, and nobody else was answered.
    assert!(call(&server, "list", "{'regex':'a{0,90}a{0,90}a{0,90}b'}").starts_with("NamingError"));
    assert!(call(&server, "list", "'a','b'").starts_with("ValueError"));
    assert_eq!(
        call(&server, "yplookup", "['fast','board']"),
        "{'board.one':('PYRO:1@h:1',{'board','fast'})}"
    );
    assert_eq!(
        call(&server, "yplookup", "{'meta_any':{'fast','x'},'return_metadata':False}"),
        "{'board.one':'PYRO:1@h:1'}"
    );
    assert_eq!(call(&server, "yplookup", ""), "{}");
    assert_eq!((call(&server, "count", ""), call(&server, "ping", "")), ("3".into(), "None".into()));
    assert_eq!(call(&server, "set_metadata", "'chat',['new']"), "None");
    assert!(call(&server, "lookup", "'chat',True").ends_with("{'new'})"));
}

#[test]
fn a_name_is_taken_safely_or_not_and_removed() {
    let server = server();
    assert_eq!(
        call(&server, "register", "'chat','PYRO:2@h:1',True"),
        "NamingError: name already registered: chat"
    );
    assert_eq!(call(&server, "register", "'chat','PYRO:2@h:1',False"), "None");
    assert_eq!(
        call(&server, "register", "'c','PYRO:2@h:1',{'if_taken':'never'}").split(':').next(),
        Some("ValueError")
    );
    assert!(call(&server, "register", "'c','no uri'").starts_with("TypeError"));
    let class = "{'__class__':'Pyro5.core.URI','state':('PYRO','3',None,'::1',1)}";
    assert_eq!(call(&server, "register", &format!("'c',{class},False")), "None");
    assert_eq!(call(&server, "list", "'c'"), "{'c':'PYRO:3@[::1]:1','chat':'PYRO:2@h:1'}");
    for (args, count) in
        [("'nothing'", "0"), ("'c'", "1"), ("{'prefix':'board'}", "2"), ("{'regex':''}", "0"), ("", "0")]
    {
        assert_eq!(call(&server, "remove", args), count, "{args}");
    }
    assert_eq!(call(&server, "entries", ""), "[('chat','PYRO:2@h:1',(),None)]");
}

#[test]
fn one_that_watches_is_told_everything_once() {
    let server = NameServer::default();
    call(&server, "register", "'a','PYRO:1@h:1'");
    let first = call(&server, "changes", "None");
    let (number, told) = first.trim_matches(['(', ')']).split_once(',').unwrap();
    assert_eq!(told, "[['there','a','PYRO:1@h:1']]");
    call(&server, "register", "'b','PYRO:1@h:1'");
    call(&server, "remove", "'a'");
    let next = call(&server, "changes", number);
    assert!(next.ends_with(",[['added','b','PYRO:1@h:1'],['removed','a','PYRO:1@h:1']])"), "{next}");
    let (number, _) = next.trim_matches('(').split_once(',').unwrap();
    assert_eq!(call(&server, "changes", number), format!("({number},[])"));
}

#[test]
fn a_lease_is_a_time_with_sense() {
    let server = server();
    for lease in ["0", "-1", "1e30000", "90000", "'ten'", "{'__class__':'float','value':'nan'}"] {
        let said = call(&server, "register", &format!("'x','PYRO:2@h:1',{{'lease':{lease}}}"));
        assert!(said.starts_with("ValueError"), "{lease}: {said}");
    }
    assert_eq!(call(&server, "register", "'x','PYRO:2@h:1',{'lease':0.1}"), "None");
    assert!(!call(&server, "entries", "").contains("'x','PYRO:2@h:1',(),None"));
    assert_eq!(call(&server, "register", "'x','PYRO:2@h:1',{'lease':None}"), "None");
    assert!(call(&server, "entries", "").contains("'x','PYRO:2@h:1',(),None"));
}
