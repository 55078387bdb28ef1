//! A chat with many connections, of which some are hostile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread::scope;

use ch5_rpc::pyro::serpent::Value;

use crate::remote::{PATIENCE, chat, proxy, uri};

#[test]
fn each_sees_every_message_once_and_in_one_order() {
    const USERS: usize = 100;
    const EACH: usize = 5;
    for model in ["epoll", "thread-per-connection"] {
        let server = chat(&["--model", model]);
        let uri = uri(&server);
        let (all_are_in, all_have_posted) = (Barrier::new(USERS), Barrier::new(USERS));
        let histories: Vec<Vec<Value>> = scope(|scope| {
            let users: Vec<_> = (0..USERS)
                .map(|user| {
                    let (uri, all_are_in, all_have_posted) = (&uri, &all_are_in, &all_have_posted);
                    scope.spawn(move || {
                        let mut room = proxy(uri);
                        let me = room.call("register", vec![format!("u{user}").into()]).unwrap();
                        let mut me = proxy(&me.as_text().unwrap().parse().unwrap());
                        all_are_in.wait();
                        let mut seen = Vec::new();
                        for number in 0..EACH {
                            me.call("post", vec![Value::Int(number as i64)]).unwrap();
                            seen.extend(me.call("get", vec![]).unwrap().items().unwrap().to_vec());
                        }
                        all_have_posted.wait();
                        seen.extend(me.call("get", vec![]).unwrap().items().unwrap().to_vec());
                        seen
                    })
                })
                .collect();
            users.into_iter().map(|user| user.join().unwrap()).collect()
        });
        assert_eq!(histories[0].len(), USERS * EACH, "{model}");
        assert!(histories.iter().all(|history| *history == histories[0]), "{model}");
        assert!(server.stop().success());
    }
}

#[test]
fn what_strangers_send_ends_their_connection_and_disturbs_nobody() {
    let server = chat(&[]);
    let uri = uri(&server);
    let mut user = proxy(&uri);
    let half = TcpStream::connect(server.address).unwrap();
    (&half).write_all(b"PYRO\x01\xf6\x01\x01").unwrap(); // and no more, for as long as it is borne
    let too_long = [b"PYRO\x01\xf6\x01\x01\0\0\0\0" as &[u8], &[0xff; 8], &[0; 18], b"\x4d\xc5"].concat();
    let frame = TcpStream::connect(server.address).unwrap();
    (&frame).write_all(b"\0\0").unwrap(); // half of one of our own, and no more
    for bytes in [b"GET / HTTP/1.1\r\n\r\n" as &[u8], b"PYRO\x00\x31", b"\x01", &too_long] {
        let mut stranger = TcpStream::connect(server.address).unwrap();
        stranger.set_read_timeout(Some(PATIENCE)).unwrap();
        stranger.write_all(bytes).unwrap();
        let mut said = Vec::new();
        stranger.read_to_end(&mut said).unwrap();
        let text = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(text.contains("longer than the limit"), bytes.len() == 40, "{text}");
        user.call("post", vec!["still here".into()]).unwrap();
    }
    assert!(server.stop().success());
}
