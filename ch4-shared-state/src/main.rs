//! Chapter 4: notification boards, the guess-word game, shared state under concurrency. This chapter is not built yet: see its README.

fn main() -> std::process::ExitCode {
    eprintln!("ch4-shared-state is not built yet; ch3-threads is: cargo ch3 --help");
    std::process::ExitCode::FAILURE
}
