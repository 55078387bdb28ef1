//! One call for real: two threads, a TCP connection between them, and what both have recorded.

use std::io;
use std::net::TcpStream;
use std::thread;

use anyhow::{Context, ensure};

use super::by_hand::{CallError, skeleton, stub::Stub};
use super::over_tarpc;
use super::over_xmlrpc::{self, Proxy};
use super::plan::{Ending, PAUSE, Transport, WARM_UP};
use super::procedures::Procedures;
use super::record::{Moment, Recorder, What};
use super::tap::{Tap, connection};

/// One call, as both sides saw it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// How it travelled.
    pub transport: Transport,
    /// How it ended.
    pub ending: Ending,
    /// The argument.
    pub text: String,
    /// What the caller knows afterwards.
    pub said: String,
    /// The moments of the client.
    pub client: Vec<Moment>,
    /// The moments of the server.
    pub server: Vec<Moment>,
}

/// Calls `publish(text)` over the loopback, or another procedure where the ending wants it.
///
/// # Errors
/// What the system refused, or a call that ended in another way.
pub fn exchange(transport: Transport, text: &str, ending: Ending) -> anyhow::Result<Exchange> {
    ensure!(
        transport != Transport::Xmlrpc || over_xmlrpc::is_carried(text),
        "XML has no word for a control character of this text; a server that must carry any bytes sends them as base64"
    );
    let (client, server) = (Recorder::default(), Recorder::default());
    let (client_end, server_end) = connection().context("cannot connect over the loopback")?;
    let said = thread::scope(|scope| {
        let (recorder, name) = (server.clone(), "server".to_owned());
        let serving = thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, move || serve(transport, server_end, &recorder, ending))?;
        let said = call(transport, client_end, text, ending, &client, &server);
        // The client has closed its end, so the server ends as well.
        let served = serving.join().expect("the server does not panic");
        // What the server says is the cause, where both fail.
        served.context("the server failed")?;
        said.context("the call failed")
    })?;
    let text = text.to_owned();
    Ok(Exchange { transport, ending, text, said, client: client.all(), server: server.last_call() })
}

fn serve(transport: Transport, stream: TcpStream, recorder: &Recorder, ending: Ending) -> io::Result<()> {
    let board = Procedures::new(recorder);
    match transport {
        Transport::Tarpc => over_tarpc::serve(stream, board, recorder, ending),
        Transport::Xmlrpc => over_xmlrpc::serve(Tap::new(stream, recorder), &board),
        Transport::Hand => skeleton::serve(Tap::new(stream, recorder), &board),
    }
}

fn call(
    transport: Transport,
    stream: TcpStream,
    text: &str,
    ending: Ending,
    recorder: &Recorder,
    server: &Recorder,
) -> anyhow::Result<String> {
    match transport {
        Transport::Tarpc => over_tarpc::call(stream, text, ending, recorder, server),
        Transport::Xmlrpc => {
            let mut proxy = Proxy::new(Tap::new(stream, recorder));
            let publish = |proxy: &mut Proxy| proxy.publish(text);
            blocking(&mut proxy, publish, |proxy| proxy.get(999), ending, recorder)
        }
        Transport::Hand => {
            let mut stub = Stub::new(Tap::new(stream, recorder));
            let publish = |stub: &mut Stub| stub.publish(text);
            blocking(&mut stub, publish, |stub| stub.get(999), ending, recorder)
        }
    }
}

/// Calls some times to warm up, and once more; what the last call said.
fn blocking<S>(
    stub: &mut S,
    publish: impl Fn(&mut S) -> Result<u64, CallError>,
    fail: impl FnOnce(&mut S) -> Result<String, CallError>,
    ending: Ending,
    recorder: &Recorder,
) -> anyhow::Result<String> {
    for _ in 0..WARM_UP {
        publish(stub)?;
    }
    thread::sleep(PAUSE);
    recorder.forget();
    if ending == Ending::Failed {
        return match fail(stub) {
            Err(CallError::Failed(why)) => Ok(why),
            other => anyhow::bail!("it has not failed there: {other:?}"),
        };
    }
    recorder.now(What::Called);
    let id = publish(stub)?;
    recorder.now(What::Returned);
    let said = format!("published as message {id}");
    recorder.now(What::Continued);
    Ok(said)
}
