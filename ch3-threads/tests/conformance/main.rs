//! One suite over every model and every service, on the real program: whatever runs the connections, the client must
//! not be able to tell, but for who has to wait.
//!
//! ```text
//!   cargo test -p ch3-threads --test conformance                       all of it
//!   cargo test -p ch3-threads --test conformance epoll::               one model
//!   cargo test -p ch3-threads --test conformance a_byte_at_a_time      one check
//! ```
//!
//! | file | whether |
//! |---|---|
//! | `framing` | the answers are the right ones, however the bytes were split |
//! | `concurrency` | clients are served beside each other, and who waits for whom |
//! | `faults` | a client's fault is its own |
//! | `limits` | descriptors, memory and slow readers are bounded |
//! | `memory` | what all clients together hold is bounded |
//! | `times` | a client that keeps its server waiting is disconnected in its time |
//! | `stopping` | every stop is a good end |
//! | `processes` | worker processes are replaced, and die with their parent |
//! | `board` | the message board is one board, or the server says why it is not |
//! | `command` | what the command line says |

mod board;
mod client;
mod command;
mod concurrency;
mod dialogue;
mod faults;
mod framing;
mod limits;
mod memory;
mod processes;
mod server;
mod stopping;
mod times;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use libtest_mimic::{Arguments, Trial};

use server::{Launch, name};

/// One model, running one service.
#[derive(Clone, Copy)]
pub struct Case {
    model: Model,
    service: ServiceKind,
}

impl Case {
    /// The server, not yet started.
    fn launch(self) -> Launch {
        Launch::new(self.model, self.service)
    }
}

/// A check and what it is called.
type Check = (&'static str, fn(Case));

/// Names checks by their functions: the name is the sentence.
#[macro_export]
macro_rules! checks {
    ($($check:ident),* $(,)?) => { [$((stringify!($check), $check as fn($crate::Case))),*] };
}

/// The trials: checks × models × services.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
}

impl Suite {
    /// Adds every check for those models that `applies` picks, with each service.
    fn add(&mut self, checks: &[Check], services: &[ServiceKind], applies: impl Fn(Model) -> bool) {
        for model in Model::ALL.into_iter().filter(|&model| applies(model)) {
            for &service in services {
                for &(check, run) in checks {
                    let name = format!("{}::{}::{check}", model.name(), name(service));
                    let trial = Trial::test(name, move || {
                        run(Case { model, service });
                        Ok(())
                    });
                    self.trials.push(trial.with_ignored_flag(model.available().is_err()));
                }
            }
        }
    }

    /// Adds a check of the program as a whole.
    fn add_one(&mut self, name: &str, run: fn()) {
        self.trials.push(Trial::test(format!("command::{name}"), move || {
            run();
            Ok(())
        }));
    }
}

/// Every model that goes on serving after its first client.
fn goes_on(model: Model) -> bool {
    model != Model::OneClient
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Most of the time is spent waiting for timeouts that are the very thing under test.
    arguments.test_threads.get_or_insert(6);
    for model in Model::ALL {
        if let Err(error) = model.available() {
            eprintln!("skipped: {} is not possible here: {error}", model.name());
        }
    }
    let mut suite = Suite::default();
    framing::add_to(&mut suite);
    concurrency::add_to(&mut suite);
    faults::add_to(&mut suite);
    limits::add_to(&mut suite);
    memory::add_to(&mut suite);
    times::add_to(&mut suite);
    stopping::add_to(&mut suite);
    processes::add_to(&mut suite);
    board::add_to(&mut suite);
    command::add_to(&mut suite);
    libtest_mimic::run(&arguments, suite.trials).exit();
}
