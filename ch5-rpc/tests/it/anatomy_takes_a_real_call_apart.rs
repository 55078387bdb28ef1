//! `anatomy`: a call for real, its steps, its bytes, its pictures.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ch5, run, text};

/// What it wrote as text, as JSON and as a page.
fn anatomy(args: &[&str]) -> (String, Value, String) {
    let folder = TempDir::new().unwrap();
    let [json, page] = ["call.json", "call.html"].map(|name| folder.path().join(name));
    let mut command = ch5(&["anatomy"]);
    command.args(args).arg("--json").arg(&json).arg("--report").arg(&page);
    let output = run(&mut command);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    let [json, page] = [json, page].map(|path| std::fs::read_to_string(path).unwrap());
    (text(&output.stdout), serde_json::from_str(&json).unwrap(), page)
}

/// The fields of a message stand one behind the other, and end with it.
fn check_fields(message: &Value) {
    let mut at = 0;
    for field in message["fields"].as_array().unwrap() {
        assert_eq!(field["at"].as_u64(), Some(at), "{message:#}");
        at += field["length"].as_u64().unwrap();
    }
    assert_eq!(message["length"].as_u64(), Some(at), "{message:#}");
    let parts: u64 = message["parts"].as_array().unwrap().iter().map(|part| part.as_u64().unwrap()).sum();
    assert_eq!(parts, at, "{message:#}");
}

#[test]
fn over_every_transport_there_are_eleven_steps_and_no_byte_is_left() {
    let (out, json, page) = anatomy(&["--transport", "tarpc,xmlrpc,hand"]);
    let calls = json["calls"].as_array().unwrap();
    let names: Vec<_> = calls.iter().map(|call| call["transport"].as_str().unwrap()).collect();
    assert_eq!(names, ["tarpc", "xmlrpc", "hand"]);
    let bytes: Vec<_> = calls.iter().map(|call| call["request"]["length"].as_u64().unwrap()).collect();
    assert_eq!(bytes, [45, 211, 19], "the page of this command names them");
    for call in calls {
        let steps = call["steps"].as_array().unwrap();
        let numbers: Vec<_> = steps.iter().map(|step| step["step"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
        let took = |step: &Value| step["took_ns"].as_u64().unwrap();
        let whole: u64 =
            steps.iter().filter(|step| !matches!(step["step"].as_u64(), Some(2 | 11))).map(took).sum();
        assert_eq!(call["whole_ns"].as_u64(), Some(whole), "{steps:#?}");
        check_fields(&call["request"]);
        check_fields(&call["response"]);
        for other in call["other_endings"].as_array().unwrap() {
            check_fields(&other["request"]);
            check_fields(&other["response"]);
        }
        assert_eq!(call["said"], "published as message 10");
    }
    for part in ["Side by side", "e8 03 00 00 00 00 00 00", "fb e8 03", "<value><i4>1000</i4></value>"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(page.matches("<svg").count(), 6);
}

#[test]
fn the_short_request_of_tarpc_is_these_fields() {
    let (_, json, _) = anatomy(&[]);
    let request = &json["calls"][0]["request"];
    assert_eq!(request["length"], 45);
    let fields: Vec<(&str, &str)> = request["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["name"].as_str().unwrap(), field["hex"].as_str().unwrap()))
        .filter(|(name, _)| !matches!(*name, "deadline: s" | "deadline: ns" | "span id"))
        .collect();
    assert_eq!(
        fields,
        [
            ("length", "00 00 00 29"),
            ("message", "00"),
            ("trace id", "00 00 00 00 00 00 00 00 …"),
            ("sampling", "01"),
            ("request id", "0a"),
            ("method", "00"),
            ("text: length", "05"),
            ("text", "68 65 6c 6c 6f"),
        ]
    );
}

#[test]
fn a_call_of_tarpc_may_fail_be_refused_or_be_cancelled() {
    let (out, json, _) = anatomy(&["--transport", "tarpc"]);
    let others = json["calls"][0]["other_endings"].as_array().unwrap();
    let said: Vec<_> = others.iter().map(|other| other["said"].as_str().unwrap()).collect();
    assert_eq!(said[0], "there is no message 999");
    // The server said PermissionDenied: see the page of this command.
    assert_eq!(said[1], "ConnectionRefused: nobody may remove");
    let cancelled = &others[2];
    assert_eq!(cancelled["response"]["length"], 0);
    let fields = cancelled["request"]["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field["meaning"] == "1: Cancel (0 is Request)"), "{fields:#?}");
    assert!(out.contains("Another call is cancelled by its caller") && out.contains("No response"), "{out}");
}

#[test]
fn a_long_text_travels_in_parts() {
    for transport in ["tarpc", "xmlrpc", "hand"] {
        let (out, json, page) = anatomy(&["--transport", transport, "--size", "200k"]);
        let request = &json["calls"][0]["request"];
        check_fields(request);
        assert!(request["parts"].as_array().unwrap().len() >= 2, "{transport}: {}", request["parts"]);
        assert!(request["length"].as_u64().unwrap() > 200_000);
        assert!(out.contains("parts, as recv has returned them"), "{out}");
        // The bytes themselves are not in the page.
        assert!(page.len() < 100_000, "{}", page.len());
    }
}

#[test]
fn the_interface_shows_stub_and_skeleton_and_what_a_change_breaks() {
    let output = run(&mut ch5(&["anatomy", "--interface"]));
    let out = text(&output.stdout);
    for part in [
        "pub trait SmallBoard {",
        "SmallBoardClient",
        "ServeSmallBoard",
        "pub fn publish(&mut self, text: &str)",
        "const TABLE:",
        "get(5)             03 05                  remove(5)",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn what_cannot_be_sent_is_refused_and_says_why() {
    for (args, why) in [
        (vec!["--transport", "xmlrpc", "--text", "\u{1}"], "XML has no word for a control character"),
        (vec!["--size", "5MB"], "at most 4 MB"),
        (vec!["--size", "10", "--text", "x"], "cannot be used with"),
        (vec!["--transport", "tarpc,tarpc"], "given twice"),
        (vec!["--report", "/nowhere/a.html"], "cannot write /nowhere/a.html"),
    ] {
        let output = run(ch5(&["anatomy"]).args(&args));
        assert!(!output.status.success(), "{args:?}");
        assert!(text(&output.stderr).contains(why), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_text_of_strangers_does_not_reach_the_terminal_raw() {
    for transport in ["tarpc", "hand"] {
        let (out, _, page) = anatomy(&["--transport", transport, "--text", "\u{1b}[31m<b>red"]);
        assert!(!out.contains('\u{1b}'), "{out}");
        assert!(!page.contains('\u{1b}') && !page.contains("<b>red"));
    }
}
