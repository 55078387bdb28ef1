//! Every model whose handlers share memory serves both rooms, and stops when it is told to.

use ch3_threads::model::Model;

use crate::whiteboard::serve;
use crate::whiteboard::user::User;

/// The models with one memory and room for three users; what is not possible here is said.
pub fn shared_memory_models() -> Vec<Model> {
    let mut models = Model::ALL.to_vec();
    models.retain(|model| {
        let enough_seats = model.seats(model.default_workers()).is_none_or(|seats| seats >= 3);
        !model.copies_memory() && *model != Model::ProcessPipeline && enough_seats
    });
    models.retain(|model| {
        let possible = model.available().is_ok();
        if !possible {
            eprintln!("skipped: {} is not possible here", model.name());
        }
        possible
    });
    models
}

#[test]
fn every_model_with_one_memory_shows_every_change_to_all() {
    for model in shared_memory_models() {
        println!("{}", model.name());
        let server = serve(&["--model", &model.name()]);
        let (mut last, _) = User::join(server.address, "server", "Last", 9);
        for room in ["server", "collaborative"] {
            let (mut ann, welcome) = User::join(server.address, room, "Ann", 1);
            let others = usize::from(room == "server");
            assert_eq!(welcome.people.len(), others + 1);
            let (mut bob, welcome) = User::join(server.address, room, "Bob", 2);
            assert_eq!(welcome.people.len(), others + 2);
            if room == "server" {
                for time in 0..20 {
                    ann.paint(time, [(time as u16, 3)]);
                    assert_eq!(ann.painted(), bob.painted());
                }
            }
        }
        assert!(server.stop().success(), "{}", model.name());
        assert_eq!(last.closed(), (1001, "the server stops".to_owned()), "{}", model.name());
    }
}

#[test]
fn a_model_that_copies_its_memory_is_refused_in_a_sentence() {
    for model in ["fork-per-connection", "process-pipeline"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ch4-shared-state"))
            .args(["whiteboard", "-p", "0", "--model", model])
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains("error: ") && error.contains("memory"), "{error}");
    }
}
