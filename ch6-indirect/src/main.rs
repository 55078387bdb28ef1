//! Chapter 6: message broker, publish-subscribe, group communication. This chapter is not built yet: see its README.

fn main() -> std::process::ExitCode {
    eprintln!("ch6-indirect is not built yet; ch3-threads is: cargo ch3 --help");
    std::process::ExitCode::FAILURE
}
