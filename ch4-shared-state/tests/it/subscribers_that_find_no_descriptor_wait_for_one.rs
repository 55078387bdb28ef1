//! A server with few descriptors and more subscribers than it has room for: nobody is reset. Some are served, and the others wait in the
//! backlog until some leave. What a connection needs besides its socket (an eventfd to be woken with) is had before it is accepted.

use ch3_threads::model::Model;

use crate::support::Server;
use crate::support::guessword::Raw;

#[test]
fn under_every_model() {
    for model in Model::ALL {
        // One client holds these two; the others have copies of the board.
        if model.copies_memory() || matches!(model, Model::OneClient | Model::Sequential) {
            continue;
        }
        if model.available().is_err() {
            println!("skipped: {} is not possible here", model.name());
            continue;
        }
        println!("model {}", model.name());
        let server = Server::with_descriptors(24, &["board-server", "--model", &model.name()]);
        let mut clients: Vec<Raw> = (0..30).map(|_| Raw::connect(&server)).collect();
        for client in &mut clients {
            client.send("2:;");
        }
        for mut client in clients {
            client.up_to(|frame| frame == "1:;"); // it panics over a reset
        }
        assert_eq!(server.stop().code(), Some(0));
    }
}
