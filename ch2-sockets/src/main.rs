//! Chapter 2: sockets, the message board over UDP and TCP, sessions, multicast. This chapter is not built yet: see its README.

fn main() -> std::process::ExitCode {
    eprintln!("ch2-sockets is not built yet; ch3-threads is: cargo ch3 --help");
    std::process::ExitCode::FAILURE
}
