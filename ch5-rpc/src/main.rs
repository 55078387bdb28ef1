//! Chapter 5: remote procedure calls, name server, remote objects. This chapter is not built yet: see its README.

fn main() -> std::process::ExitCode {
    eprintln!("ch5-rpc is not built yet; ch3-threads is: cargo ch3 --help");
    std::process::ExitCode::FAILURE
}
