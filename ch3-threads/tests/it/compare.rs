//! The main job, and the simulator alone, as a user runs them: on the real program, with small numbers.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::tempdir;

fn ch3(arguments: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args(arguments.split_whitespace()).args(more).output().expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program writes text")
}

#[test]
fn the_comparison_finds_what_the_notes_found() {
    let folder = tempdir().expect("a temporary folder");
    let [json, report] = ["rows.json", "deep/report.html"].map(|name| folder.path().join(name));
    let (json, report) = (json.to_str().expect("it is text"), report.to_str().expect("it is text"));
    let run = |time_scale: &str| -> Value {
        let output = ch3(
            &format!(
                "compare --models sequential,thread-pool,epoll --scenario patience,heavy,echo --repetitions 1 \
                 --seed 7 --time-scale {time_scale} --duration 100ms --warm-up 20ms"
            ),
            &["--with", "false {port}", "--json", json, "--report", report],
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        let stdout = text(&output.stdout);
        assert!(stdout.contains("seed 7") && stdout.contains("report.html"), "{stdout}");
        serde_json::from_str(&fs::read_to_string(json).expect("the rows")).expect("JSON")
    };
    // On a busy machine a client comes late by more than its patience; at a slower pace that weighs less.
    let rows = Some(run("0.04")).filter(in_time).unwrap_or_else(|| run("0.3"));
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), 12, "three scenarios, three models and a command of the user's");
    let row = |scenario: &str, model: &str| {
        rows.iter().find(|row| row["scenario"] == scenario && row["model"] == model).expect("a row for each")
    };
    // The notes: the sequential server serves four and the fifth leaves; of five heavy requests it answers two.
    for (scenario, model, served, gave_up) in [
        ("patience", "sequential", 4, 1),
        ("patience", "thread-pool", 5, 0),
        ("heavy", "sequential", 2, 3),
        ("heavy", "thread-pool", 5, 0),
        ("heavy", "epoll", 2, 3),
    ] {
        let row = row(scenario, model);
        assert_eq!((&row["served"], &row["gave_up"]), (&served.into(), &gave_up.into()), "{row}");
        assert!(row["skipped"].is_null() && row["seed"] == 7, "{row}");
    }
    let echo = row("echo", "epoll");
    assert_eq!(echo["served"], 50, "{echo}");
    assert_eq!((&echo["server"]["threads"], &echo["server"]["processes"]), (&1.into(), &1.into()), "{echo}");
    assert!(echo["server"]["cpu_ms"].as_f64() > Some(0.0), "{echo}");
    assert!(echo["latency_us"]["p50"].as_f64() <= echo["latency_us"]["max"].as_f64(), "{echo}");
    let why = row("echo", "false {port}")["skipped"].as_str().expect("it never listened");
    assert!(why.contains("ended before it listened"), "{why}");

    let page = fs::read_to_string(report).expect("the report");
    assert!(page.contains("<svg") && page.contains("thread-pool"));
}

#[test]
fn factors_are_checked_whoever_computes_them() {
    let folder = tempdir().expect("a temporary folder");
    let [json, report] = ["rows.json", "report.html"].map(|name| folder.path().join(name));
    let (json, report) = (json.to_str().expect("it is text"), report.to_str().expect("it is text"));
    // It answers the number without its factors.
    let wrong =
        format!("{} serve -m poll --service echo --listenport {{port}}", env!("CARGO_BIN_EXE_ch3-threads"));
    let models = ["thread-per-connection", "fork-per-connection", "process-pipeline", "epoll"];
    let output = ch3(
        &format!("compare -m {} -s factor --bits 24 -c 6 -n 1 --seed 11", models.join(",")),
        &["--with", &wrong, "--json", json, "--report", report],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(
        table.contains("6 clients at once ask for the factors of a product of two primes of 24 bits each"),
        "{table}"
    );
    let rows: Value = serde_json::from_str(&fs::read_to_string(json).expect("the rows")).expect("JSON");
    for (row, model) in rows.as_array().expect("a list").iter().zip(models) {
        assert!(row["model"] == model && row["served"] == 6 && row["wrong"] == 0, "{row}");
        assert!(row["throughput_per_s"].as_f64() > Some(0.0) && row["service"] == "factor", "{row}");
    }
    assert!(rows[4]["served"] == 0 && rows[4]["wrong"] == 6, "{}", rows[4]);
    let page = fs::read_to_string(report).expect("the report");
    assert!(page.contains("Who uses all processors when requests compute and do not wait?"));
}

/// Whether other programs left most of the machine to what was measured.
fn in_time(rows: &Value) -> bool {
    let shares = rows.as_array().expect("a list").iter().filter_map(|row| row["foreign"].as_f64());
    shares.fold(0.0, f64::max) < 0.3
}

/// Where SIGCHLD is ignored, which a program inherits, the kernel forgets at once how a child ended and what it used.
#[test]
fn the_comparison_is_the_same_where_sigchld_was_ignored() {
    let folder = tempdir().expect("a temporary folder");
    let json = folder.path().join("rows.json");
    let arguments = "compare --models epoll --scenario echo --repetitions 1 --duration 50ms --json";
    // Not sh: dash would set it back to its default.
    let output = Command::new("bash")
        .args(["-c", "trap '' CHLD; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_ch3-threads")])
        .args(arguments.split_whitespace())
        .arg(&json)
        .arg("--report")
        .arg(folder.path().join("report.html"))
        .output()
        .expect("the program can be started");
    let stderr = text(&output.stderr);
    assert!(output.status.success() && !stderr.contains("did not end with status 0"), "{stderr}");
    let rows: Value = serde_json::from_str(&fs::read_to_string(json).expect("the rows")).expect("JSON");
    assert!(rows[0]["server"]["cpu_ms"].as_f64() > Some(0.0), "{rows}");
}

#[test]
fn the_clients_of_a_server_that_dies_are_lost_and_not_refused() {
    let folder = tempdir().expect("a temporary folder");
    let json = folder.path().join("rows.json");
    let server = format!(
        "timeout -s KILL 1 {} serve -m sequential --service {{service}} --listenport {{port}}",
        env!("CARGO_BIN_EXE_ch3-threads")
    );
    let output = ch3(
        "compare --models epoll --scenario echo --repetitions 1 --duration 4s -c 8 --timeout 5s --report /dev/null",
        &["--with", &server, "--json", json.to_str().expect("it is text")],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows: Value = serde_json::from_str(&fs::read_to_string(json).expect("the rows")).expect("JSON");
    let died = &rows[1];
    assert!(died["skipped"].is_null(), "{died}");
    assert_eq!((&died["served"], &died["refused"]), (&0.into(), &0.into()), "{died}");
    assert_eq!(died["lost"], died["clients"], "one that it served, and seven that waited for it: {died}");
    assert!(died["runs"][0]["lost"] == died["lost"] && died["wrong"] == 0, "{died}");
    assert!(text(&output.stderr).contains("died in the middle of it"), "{}", text(&output.stderr));
}

#[test]
fn a_flag_that_no_scenario_knows_is_an_error() {
    let output = ch3("compare --scenario patience --rate 5", &[]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("belongs to echo"));
    let output = ch3("compare --scenario heavy,echo --bits 30", &[]);
    assert!(text(&output.stderr).contains("belongs to factor"));
    let output = ch3("compare --models epoll,nope", &[]);
    assert!(text(&output.stderr).contains("fd-passing"), "unknown names are answered with the known ones");
}

#[test]
fn requests_that_a_dead_server_was_never_sent_are_said_and_the_status_is_1() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args("serve -m epoll -s echo -p 0".split(' ')).stderr(std::process::Stdio::piped());
    let server = common::support::child_server::ChildServer::start(&mut command).expect("it serves");
    let (address, id) = (server.address.port().to_string(), server.id());
    let killer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(id.cast_signed()),
            nix::sys::signal::Signal::SIGKILL,
        )
    });
    let output = ch3("simulate -s echo --rate 1000 -c 4 --duration 2s --warm-up 0 --seed 1 -p", &[&address]);
    killer.join().expect("no panic").expect("it is there to be killed");
    drop(server);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("requests were due and never sent: the server died"), "{stderr}");
    assert!(stdout.contains("requests in 2s") && stdout.contains("were due and never sent"), "{stdout}");
}

#[test]
fn without_a_server_the_simulator_says_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("it is bound").port().to_string();
    drop(free);
    let output = ch3("simulate --scenario patience --time-scale 0.01 --seed 1 --port", &[&port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is a server listening"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("seed 1"), "{}", text(&output.stdout));
}
