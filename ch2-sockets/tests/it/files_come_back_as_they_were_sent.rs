//! The file dump as it is meant: upload, list and download, byte for byte, one client or twenty.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::support::child_server::ChildServer;
use tempfile::TempDir;

use crate::support::{Ended, Running, Server, run, succeed};

/// A server with a dump of its own, and a place for the clients' files.
struct Setting {
    server: Server,
    port: String,
    directory: TempDir,
}

fn setting(arguments: &[&str]) -> Setting {
    let directory = tempfile::tempdir().unwrap();
    let dump = directory.path().join("dump");
    let all = [&["files", "serve", dump.to_str().unwrap(), "-p", "0"], arguments].concat();
    let server = Server::start(&all);
    let port = server.address.port().to_string();
    Setting { server, port, directory }
}

impl Setting {
    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn local(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.directory.path().join(name), content).unwrap();
        self.path(name)
    }

    fn client(&self, arguments: &[&str]) -> Ended {
        run(&[&["files"], arguments, &["-p", &self.port]].concat(), b"")
    }

    #[track_caller]
    fn works(&self, arguments: &[&str]) -> String {
        succeed(&[&["files"], arguments, &["-p", &self.port]].concat(), b"")
    }
}

/// Bytes without a pattern that a lost or doubled block would keep.
fn noise(size: usize) -> Vec<u8> {
    let mut word = 88_172_645_463_325_252_u64;
    let step = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_ne_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(step).take(size.div_ceil(8)).flatten().collect();
    bytes.truncate(size);
    bytes
}

#[test]
fn every_size_comes_back_byte_for_byte() {
    let setting = setting(&[]);
    for (name, size) in
        [("empty", 0), ("one", 1), ("64k", 65536), ("64k and one", 65537), ("20 MiB", 20 << 20)]
    {
        let content = noise(size);
        let local = setting.local(name, &content);
        let said = setting.works(&["upload", &local]);
        let copy = setting.path("copy");
        let said_again = setting.works(&["download", name, "--output", &copy, "--force"]);
        assert!(fs::read(&copy).unwrap() == content, "{name}");
        // The digest is the same on both ways, and it is the one of sha256sum(1).
        assert_eq!(said.split("  ").next(), said_again.split("  ").next(), "{name}");
        if size == 0 {
            assert!(
                said.starts_with("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty")
            );
        }
    }
    assert_eq!(
        setting.works(&["list"]),
        "20971520\t20 MiB\n65536\t64k\n65537\t64k and one\n0\tempty\n1\tone\n"
    );
    setting.server.stop(Duration::from_secs(5));
}

#[test]
fn an_empty_dump_is_an_answer() {
    let setting = setting(&[]);
    let ended = setting.client(&["list"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), ""));
    assert!(ended.stderr.contains("the dump is empty"), "{ended:?}");
}

#[test]
fn several_files_are_one_command_and_a_refused_one_keeps_none_back() {
    let setting = setting(&[]);
    let (a, b) = (setting.local("a", b"first"), setting.local("b", b"second"));
    setting.works(&["upload", &a]);
    let ended = setting.client(&["upload", &a, &b]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("a: exists on the server"), "{ended:?}");
    assert_eq!(setting.works(&["list"]), "5\ta\n6\tb\n");
    // What is there stays as it is.
    let other = setting.local("other", b"other content");
    assert_eq!(setting.client(&["upload", &other, "--name", "a"]).status, Some(3));
    assert_eq!(setting.works(&["download", "a", "--output", "-"]), "first");
}

#[test]
fn a_download_overwrites_nothing_unless_it_is_told_to() {
    let setting = setting(&[]);
    let file = setting.local("file", b"theirs");
    setting.works(&["upload", &file]);
    let mine = setting.local("mine", b"mine");
    let ended = setting.client(&["download", "file", "--output", &mine]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("--force"), "{ended:?}");
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    setting.works(&["download", "file", "--output", &mine, "--force"]);
    assert_eq!(fs::read(&mine).unwrap(), b"theirs");
    // A directory takes it under its own name.
    fs::create_dir(setting.path("in")).unwrap();
    setting.works(&["download", "file", "--output", &setting.path("in")]);
    assert_eq!(fs::read(setting.path("in/file")).unwrap(), b"theirs");
}

#[test]
fn what_is_not_there_is_said_so() {
    let setting = setting(&[]);
    let ended = setting.client(&["download", "nothing", "--output", &setting.path("nothing")]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("no such file on the server"), "{ended:?}");
    assert!(!Path::new(&setting.path("nothing")).exists());
    assert_eq!(setting.client(&["upload", "/no/such/file"]).status, Some(1));
    // A directory is no file, and neither is a device that never ends.
    for path in ["/", "/dev/zero"] {
        let ended = setting.client(&["upload", path, "--name", "x"]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("not a regular file"), "{ended:?}");
    }
}

#[test]
fn without_a_server_the_client_says_whom_it_did_not_find() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run(&["files", "list", "-p", &nobody.port().to_string()], b"");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no server answers at 127.0.0.1 port"), "{ended:?}");
}

#[test]
fn it_works_over_ipv6() {
    let setting = setting(&["-l", "::1"]);
    let file = setting.local("file", b"six");
    setting.works(&["upload", &file, "-H", "::1"]);
    assert_eq!(setting.works(&["download", "file", "-o", "-", "--host", "::1"]), "six");
}

#[test]
fn twenty_clients_at_once_are_all_served() {
    // Fewer permits than clients: the others wait in the backlog.
    let setting = setting(&["--connections", "4"]);
    let content = |number: usize| noise((number + 1) * 50_000);
    let names: Vec<String> = (0..20).map(|number| format!("file-{number:02}")).collect();
    let paths: Vec<String> =
        names.iter().enumerate().map(|(number, name)| setting.local(name, &content(number))).collect();
    let all: Vec<Running> = paths
        .iter()
        .map(|path| Running::start(&["files", "upload", path, "-p", &setting.port], b""))
        .collect();
    for client in all {
        let ended = client.end();
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    for (number, name) in names.iter().enumerate() {
        let stored = fs::read(setting.directory.path().join("dump").join(name)).unwrap();
        assert!(stored == content(number), "{name}");
    }
    assert_eq!(setting.works(&["list"]).lines().count(), 20);
    setting.server.stop(Duration::from_secs(5));
}

#[test]
fn few_descriptors_mean_few_seats_and_everybody_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let dump = directory.path().join("dump");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 16 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_ch2-sockets")]);
    shell.args(["files", "serve", dump.to_str().unwrap(), "-p", "0", "--log", "error"]);
    let server = ChildServer::start(&mut shell).unwrap();
    let port = &server.address.port().to_string();
    let file = directory.path().join("file");
    fs::write(&file, noise(200_000)).unwrap();
    let names: Vec<String> = (0..12).map(|number| format!("file-{number}")).collect();
    let upload = |name| ["files", "upload", file.to_str().unwrap(), "--name", name, "-p", port];
    let all: Vec<Running> = names.iter().map(|name| Running::start(&upload(name), b"")).collect();
    for client in all {
        let ended = client.end();
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    drop(server);
    assert_eq!(fs::read_dir(dump).unwrap().count(), 12);
}

#[test]
fn of_many_uploads_of_one_name_exactly_one_wins() {
    let setting = setting(&[]);
    let contents: Vec<Vec<u8>> = (0..8_u8).map(|number| [vec![number], noise(300_000)].concat()).collect();
    let all: Vec<Running> = contents
        .iter()
        .enumerate()
        .map(|(number, content)| {
            let path = setting.local(&format!("version-{number}"), content);
            Running::start(&["files", "upload", &path, "--name", "one", "-p", &setting.port], b"")
        })
        .collect();
    let statuses: Vec<_> = all.into_iter().map(|client| client.end().status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == Some(0)).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == Some(3)).count(), 7, "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == Some(0)).unwrap();
    assert!(fs::read(setting.path("dump/one")).unwrap() == contents[winner]);
    assert_eq!(fs::read_dir(setting.path("dump")).unwrap().count(), 1);
}
